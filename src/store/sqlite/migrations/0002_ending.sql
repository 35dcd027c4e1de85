-- What is to be given up: few rows at any time, which a start looks for.
CREATE INDEX deliveries_ending ON deliveries (webhook) WHERE state = 0 AND ending > 0;
