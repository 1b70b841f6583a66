-- Corrections brought in from files and other logs. An import can be taken back as one step: its corrections are undone
-- by the usual events, written with the time of import_undo. Which of two corrections that met in an import replaces the
-- other is a further row here: `supersedes` stays as the correction was made, so that it is the same in every log.

CREATE TABLE correction_import (
    id VARCHAR PRIMARY KEY,
    source VARCHAR NOT NULL,
    format VARCHAR NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE imported_correction (import_id VARCHAR NOT NULL, correction_id VARCHAR NOT NULL);

CREATE TABLE import_undo (import_id VARCHAR NOT NULL, created_at TIMESTAMPTZ NOT NULL);

CREATE TABLE supersession (replaced VARCHAR NOT NULL, replacing VARCHAR NOT NULL, import_id VARCHAR NOT NULL);

-- As before, with the links of imports beside those the corrections themselves name.
CREATE OR REPLACE VIEW correction_state AS
WITH RECURSIVE
latest AS (
    SELECT correction_id, arg_max(undone, seq) AS undone FROM correction_event GROUP BY correction_id
),
pair AS (
    SELECT supersedes AS replaced, id AS replacing FROM correction WHERE supersedes IS NOT NULL
    UNION
    SELECT replaced, replacing FROM supersession
),
link AS (
    SELECT p.replaced, p.replacing, coalesce(l.undone, false) AS undone
    FROM pair p LEFT JOIN latest l ON l.correction_id = p.replacing
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

CREATE VIEW imports AS
SELECT i.id, i.created_at, i.source, i.format, count(m.correction_id) AS corrections, u.created_at AS undone_at
FROM correction_import i
LEFT JOIN imported_correction m ON m.import_id = i.id
LEFT JOIN (SELECT import_id, max(created_at) AS created_at FROM import_undo GROUP BY import_id) u ON u.import_id = i.id
GROUP BY ALL
ORDER BY i.created_at, i.id;

COMMENT ON VIEW correction_state IS 'Whether each correction still holds.';
COMMENT ON COLUMN correction_state.undone IS 'Taken back by the user.';
COMMENT ON COLUMN correction_state.superseded_by IS 'The correction, itself not undone, that replaces this one.';
COMMENT ON VIEW imports IS 'Every import of corrections, oldest first, and when it was taken back.';
