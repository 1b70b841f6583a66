-- Where a rule of style holds. Lessons from before are found by likeness, as they were, until somebody says otherwise.

ALTER TABLE lesson ADD COLUMN scope VARCHAR DEFAULT 'like';
ALTER TABLE lesson_revision ADD COLUMN scope VARCHAR DEFAULT 'like';
