/* Lets a process and its children (LD_PRELOAD) reach nothing but this machine's loopback. What is tried beyond it fails,
 * and is written into the file that NO_NETWORK_LOG names, a line each; so is every process that was held to this. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

static void note(const char *what, const char *of) {
    const char *file = getenv("NO_NETWORK_LOG");
    char line[4096];
    int length = snprintf(line, sizeof line, "%s %s\n", what, of);
    int log = file ? open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (log < 0 || write(log, line, length < (int)sizeof line ? length : (int)sizeof line - 1) < 0) abort();
    close(log);
}

__attribute__((constructor)) static void begin(void) {
    char command[2048];
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, command, sizeof command - 1);
    if (file >= 0) close(file);
    if (length < 0) length = 0;
    command[length] = 0;
    for (ssize_t i = 0; i + 1 < length; i++)
        if (!command[i] || command[i] == '\n') command[i] = ' ';
    note("process", command);
}

static int refused(const struct sockaddr *address) {
    char text[INET6_ADDRSTRLEN] = "";
    if (!address) return 0;
    if (address->sa_family == AF_INET) {
        const struct in_addr *to = &((const struct sockaddr_in *)address)->sin_addr;
        if (ntohl(to->s_addr) >> 24 == 127) return 0;
        inet_ntop(AF_INET, to, text, sizeof text);
    } else if (address->sa_family == AF_INET6) {
        const struct in6_addr *to = &((const struct sockaddr_in6 *)address)->sin6_addr;
        if (IN6_IS_ADDR_LOOPBACK(to)) return 0;
        inet_ntop(AF_INET6, to, text, sizeof text);
    } else {
        return 0;
    }
    note("tried", text);
    errno = ENETUNREACH;
    return 1;
}

int connect(int socket, const struct sockaddr *address, socklen_t length) {
    return refused(address) ? -1 : REAL(connect)(socket, address, length);
}

ssize_t sendto(int socket, const void *data, size_t size, int flags, const struct sockaddr *address, socklen_t length) {
    return refused(address) ? -1 : REAL(sendto)(socket, data, size, flags, address, length);
}

ssize_t sendmsg(int socket, const struct msghdr *message, int flags) {
    return refused(message->msg_name) ? -1 : REAL(sendmsg)(socket, message, flags);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    struct in_addr four;
    struct in6_addr six;
    if (!name || !strcmp(name, "localhost") || inet_pton(AF_INET, name, &four) == 1 || inet_pton(AF_INET6, name, &six) == 1)
        return REAL(getaddrinfo)(name, service, hints, found);
    note("tried", name);
    return EAI_FAIL;
}
