-- Which model answered a probe, so that models can be compared. Not known of results from before.

ALTER TABLE probe_result ADD COLUMN model_sha256 VARCHAR DEFAULT '';
ALTER TABLE probe_result ADD COLUMN model_name VARCHAR DEFAULT '';
