-- How sure the model was of an answer: the mean log probability of its tokens. Not known of answers from before.

ALTER TABLE answer ADD COLUMN mean_log_probability DOUBLE;
