-- What a reasoning model thought before its answer, apart from the answer; empty where it did not.

ALTER TABLE answer ADD COLUMN thinking VARCHAR DEFAULT '';
