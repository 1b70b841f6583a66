-- Preferences between arms: whether the names were hidden when one was preferred, and how the arms fare.

ALTER TABLE feedback ADD COLUMN blind BOOLEAN DEFAULT false;

CREATE VIEW preferences AS
WITH latest AS (
    SELECT answer_id, max(seq) AS seq,
           arg_max({'word': feedback, 'at': created_at, 'blind': coalesce(blind, false)}, seq) AS said
    FROM feedback GROUP BY answer_id
),
choice AS (
    SELECT a.turn_id, arg_max({'text': a.text, 'at': l.said.at, 'blind': l.said.blind}, l.seq) AS chosen
    FROM latest l JOIN answer a ON a.id = l.answer_id
    WHERE l.said.word = 'preferred'
    GROUP BY a.turn_id
),
compared AS (
    SELECT c.turn_id, a.arm, arg_max(a.text, {'at': a.created_at, 'id': a.id}) AS text
    FROM choice c JOIN answer a ON a.turn_id = c.turn_id
    WHERE a.created_at <= c.chosen.at AND a.finish_reason IN ('stop', 'length')
    GROUP BY c.turn_id, a.arm
)
SELECT c.chosen.at AS created_at, t.prompt, o.arm, o.text = c.chosen.text AS preferred, c.chosen.blind AS blind, c.turn_id
FROM choice c
JOIN compared o ON o.turn_id = c.turn_id
JOIN turn t ON t.id = c.turn_id
QUALIFY count(*) OVER (PARTITION BY c.turn_id) > 1
ORDER BY created_at, o.arm;

CREATE VIEW preferences_by_arm AS
SELECT arm,
       count(*) AS compared,
       count(*) FILTER (preferred) AS preferred,
       avg(CAST(preferred AS INTEGER)) AS share,
       count(*) FILTER (blind) AS compared_blind,
       count(*) FILTER (blind AND preferred) AS preferred_blind,
       avg(CASE WHEN blind THEN CAST(preferred AS INTEGER) END) AS share_blind
FROM preferences
GROUP BY arm
ORDER BY share DESC, arm;

COMMENT ON VIEW preferences IS 'Every comparison in which the user preferred an answer: one row for each arm that answered.';
COMMENT ON COLUMN preferences.preferred IS 'Whether the arm said what was preferred; of arms that said the same, each did.';
COMMENT ON COLUMN preferences.blind IS 'Whether the arms were shuffled and their names hidden.';
COMMENT ON VIEW preferences_by_arm IS 'How often what each arm said was preferred; shares are of the comparisons it was in.';
COMMENT ON COLUMN preferences_by_arm.share_blind IS 'The share with names hidden; NULL where there was no such comparison.';
