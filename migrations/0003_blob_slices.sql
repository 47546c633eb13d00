-- Blobs kept as objects carry the SHA-256 of each slice of 256 KiB, so that any part can be verified before it is sent.
ALTER TABLE cas_blob ADD COLUMN slice_hashes bytea;
--> statement-breakpoint
ALTER TABLE cas_blob ALTER COLUMN slice_hashes SET STORAGE EXTERNAL;
--> statement-breakpoint
ALTER TABLE cas_blob ADD CONSTRAINT cas_blob_slices CHECK ((storage_url IS NULL) = (slice_hashes IS NULL)
  AND (slice_hashes IS NULL OR octet_length(slice_hashes) = 32 * ceil(size_bytes / 262144.0)));
--> statement-breakpoint
-- Set before the object is deleted: from then on no blob may come to name it.
ALTER TABLE object_garbage ADD COLUMN deleting boolean NOT NULL DEFAULT false;
