-- The first shape of the log.
--
-- Ids are UUIDv7 as text, times are UTC. What is judged or decided later than the row was written is a further
-- row (correction_event, feedback, adapter_activation), never an update: nothing is lost, and DuckDB's eager
-- checking of keys on updated rows is not met. `seq` orders such events whatever the clocks of their writers say.
-- Lists that are updated belong to tables without a key, because DuckDB updates a list by deleting and inserting.

CREATE SEQUENCE event_seq;

CREATE TABLE conversation (
    id VARCHAR PRIMARY KEY,
    title VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE turn (
    id VARCHAR PRIMARY KEY,
    conversation_id VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    prompt VARCHAR NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE answer (
    id VARCHAR PRIMARY KEY,
    turn_id VARCHAR NOT NULL,
    arm VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    finish_reason VARCHAR NOT NULL,
    given JSON NOT NULL,
    messages JSON NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    first_token_s DOUBLE NOT NULL,
    latency_s DOUBLE NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE feedback (
    seq BIGINT DEFAULT nextval('event_seq'),
    answer_id VARCHAR NOT NULL,
    feedback VARCHAR, -- NULL: withdrawn
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE correction (
    id VARCHAR PRIMARY KEY,
    prompt VARCHAR NOT NULL,
    corrected VARCHAR NOT NULL,
    original VARCHAR NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    conditions JSON NOT NULL,
    history JSON NOT NULL,
    turn_id VARCHAR,
    answer_id VARCHAR,
    arm VARCHAR,
    rationale VARCHAR NOT NULL,
    feedback VARCHAR NOT NULL,
    labels VARCHAR[] NOT NULL,
    supersedes VARCHAR,
    origin VARCHAR NOT NULL
);

CREATE TABLE correction_event (
    seq BIGINT DEFAULT nextval('event_seq'),
    correction_id VARCHAR NOT NULL,
    undone BOOLEAN NOT NULL, -- false: reinstated
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE lesson (
    id VARCHAR NOT NULL,
    revision INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    applies_when VARCHAR NOT NULL,
    guidance VARCHAR NOT NULL,
    example_question VARCHAR NOT NULL,
    example_answer VARCHAR NOT NULL,
    source_ids VARCHAR[] NOT NULL,
    pinned BOOLEAN NOT NULL,
    weak BOOLEAN NOT NULL,
    replaced_by VARCHAR,
    retired_reason VARCHAR NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE lesson_revision AS FROM lesson LIMIT 0;

CREATE TABLE lesson_embedding (
    lesson_id VARCHAR NOT NULL,
    embedder VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    key VARCHAR NOT NULL,
    vector FLOAT[] NOT NULL
);

CREATE TABLE lesson_use (
    lesson_id VARCHAR NOT NULL,
    answer_id VARCHAR NOT NULL,
    score DOUBLE NOT NULL,
    rank INTEGER NOT NULL
);

CREATE TABLE lesson_stamp (stamp VARCHAR NOT NULL);
INSERT INTO lesson_stamp VALUES (uuid()::VARCHAR);

CREATE TABLE adapter (
    id VARCHAR PRIMARY KEY,
    version INTEGER NOT NULL,
    model_sha256 VARCHAR NOT NULL,
    night_id VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    method VARCHAR NOT NULL,
    rank INTEGER NOT NULL,
    scale DOUBLE NOT NULL,
    removed BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE adapter_activation (
    seq BIGINT DEFAULT nextval('event_seq'),
    model_sha256 VARCHAR NOT NULL,
    adapter_id VARCHAR, -- NULL: no adapter from here on
    reason VARCHAR NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE night (
    id VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ,
    model_sha256 VARCHAR NOT NULL,
    correction_ids VARCHAR[] NOT NULL,
    config JSON NOT NULL,
    metrics JSON NOT NULL,
    reason VARCHAR NOT NULL,
    adapter_id VARCHAR
);

CREATE TABLE probe (
    id VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL,
    prompt VARCHAR NOT NULL,
    conditions JSON NOT NULL,
    correction_id VARCHAR
);

CREATE TABLE probe_result (
    seq BIGINT DEFAULT nextval('event_seq'),
    probe_id VARCHAR NOT NULL,
    arm VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    ok BOOLEAN NOT NULL,
    score DOUBLE NOT NULL,
    occasion VARCHAR NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    adapter_id VARCHAR,
    correction_id VARCHAR,
    prompt_tokens BIGINT NOT NULL,
    first_token_s DOUBLE NOT NULL,
    latency_s DOUBLE NOT NULL
);

-- Which corrections hold. A correction is superseded by the latest one that replaces it and was not undone;
-- where the replacing one was undone but was itself replaced, that one counts.
CREATE VIEW correction_state AS
WITH RECURSIVE
latest AS (
    SELECT correction_id, arg_max(undone, seq) AS undone FROM correction_event GROUP BY correction_id
),
link AS (
    SELECT c.supersedes AS replaced, c.id AS replacing, coalesce(l.undone, false) AS undone
    FROM correction c LEFT JOIN latest l ON l.correction_id = c.id
    WHERE c.supersedes IS NOT NULL
),
reach AS (
    SELECT replaced, replacing, undone FROM link
    UNION
    SELECT r.replaced, l.replacing, l.undone FROM reach r JOIN link l ON l.replaced = r.replacing WHERE r.undone
),
successor AS (
    SELECT replaced, max(replacing) AS replacing FROM reach WHERE NOT undone GROUP BY replaced
)
SELECT c.id AS correction_id, coalesce(l.undone, false) AS undone, s.replacing AS superseded_by
FROM correction c
LEFT JOIN latest l ON l.correction_id = c.id
LEFT JOIN successor s ON s.replaced = c.id;

CREATE VIEW corrections AS
SELECT c.id, c.created_at, c.prompt, c.original, c.corrected, c.rationale, c.feedback, c.labels, c.arm, c.origin,
       CASE WHEN s.undone THEN 'undone' WHEN s.superseded_by IS NOT NULL THEN 'superseded' ELSE 'in force' END AS state,
       s.superseded_by
FROM correction c JOIN correction_state s ON s.correction_id = c.id
ORDER BY c.created_at, c.id;

CREATE VIEW answers_by_arm AS
WITH judged AS (
    SELECT answer_id, arg_max(feedback IS NOT NULL, seq) AS liked FROM feedback GROUP BY answer_id
),
corrected AS (
    SELECT DISTINCT c.answer_id
    FROM correction c JOIN correction_state s ON s.correction_id = c.id
    WHERE c.answer_id IS NOT NULL AND NOT s.undone
)
SELECT a.arm,
       count(*) AS answers,
       avg(a.prompt_tokens) AS mean_prompt_tokens,
       avg(a.completion_tokens) AS mean_completion_tokens,
       avg(a.first_token_s) AS mean_first_token_s,
       avg(a.latency_s) AS mean_latency_s,
       count(*) FILTER (k.answer_id IS NOT NULL OR j.liked) AS judged,
       avg(CASE WHEN k.answer_id IS NOT NULL THEN 0.0 WHEN j.liked THEN 1.0 END) AS share_right
FROM answer a
LEFT JOIN judged j ON j.answer_id = a.id
LEFT JOIN corrected k ON k.answer_id = a.id
GROUP BY a.arm
ORDER BY a.arm;

CREATE VIEW learning_curve AS
SELECT CAST(timezone('UTC', r.created_at) AS DATE) AS "day", r.arm, p.kind, count(*) AS n,
       avg(CAST(r.ok AS INTEGER)) AS share_ok, avg(r.score) AS mean_score
FROM probe_result r LEFT JOIN probe p ON p.id = r.probe_id
GROUP BY ALL
ORDER BY ALL;

COMMENT ON VIEW correction_state IS 'Whether each correction still holds.';
COMMENT ON COLUMN correction_state.undone IS 'Taken back by the user.';
COMMENT ON COLUMN correction_state.superseded_by IS 'The correction, itself not undone, that replaces this one.';
COMMENT ON VIEW corrections IS 'Every correction, oldest first, and whether it holds.';
COMMENT ON COLUMN corrections.state IS 'in force, superseded (by superseded_by), or undone.';
COMMENT ON COLUMN corrections.original IS 'The answer as the model gave it.';
COMMENT ON COLUMN corrections.corrected IS 'The answer as the user wants it.';
COMMENT ON COLUMN corrections.feedback IS 'What the user said was wrong, in words.';
COMMENT ON VIEW answers_by_arm IS 'How many answers each arm gave, what they cost and how many were right.';
COMMENT ON COLUMN answers_by_arm.mean_first_token_s IS 'Seconds until the first token.';
COMMENT ON COLUMN answers_by_arm.mean_latency_s IS 'Seconds until the whole answer.';
COMMENT ON COLUMN answers_by_arm.judged IS 'Answers the user accepted, preferred or corrected.';
COMMENT ON COLUMN answers_by_arm.share_right IS 'Of those judged, the share accepted or preferred; NULL where none was judged.';
COMMENT ON VIEW learning_curve IS 'How probes fared by day (UTC), arm and kind of probe.';
COMMENT ON COLUMN learning_curve.n IS 'Probes asked that day.';
COMMENT ON COLUMN learning_curve.share_ok IS 'Share of them answered right.';
COMMENT ON COLUMN learning_curve.mean_score IS 'Mean share of conditions that held.';
