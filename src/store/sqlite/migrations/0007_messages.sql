-- Why a delivery is FAILED, in words, where no attempt shows it: it could not be rendered, say.
ALTER TABLE deliveries ADD COLUMN message TEXT;
