-- What was carried out last for a home tells whether it or this database was put back to an earlier state.
ALTER TABLE home ADD COLUMN done BLOB;        -- 16 bytes: id of an item of its outbox
