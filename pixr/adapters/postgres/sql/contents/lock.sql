-- Keep everybody from opening a job or a funding of this content until the transaction ends: their
-- foreign keys ask for the row, too.
SELECT content_id
FROM contents
WHERE content_id = %(content_id)s
FOR UPDATE
