-- A SQLite database as the code of release 0.1 made it: the result of its ten migrations, and its record of them.
BEGIN TRANSACTION;
CREATE TABLE "account" (
    "id" CHAR(36) NOT NULL  PRIMARY KEY,
    "user_id" VARCHAR(32) NOT NULL UNIQUE,
    "name" VARCHAR(100) NOT NULL,
    "email" VARCHAR(254) NOT NULL UNIQUE,
    "password_hash" VARCHAR(255) NOT NULL,
    "created_at" TIMESTAMP NOT NULL
);
CREATE TABLE "account_grant" (
    "id" CHAR(36) NOT NULL  PRIMARY KEY,
    "kind" VARCHAR(16) NOT NULL  /* POINTS: points\nINGEST: ingest\nSUBSCRIPTIONS: subscriptions */,
    "capacity" BIGINT NOT NULL,
    "refill" REAL,
    "created_at" TIMESTAMP NOT NULL,
    "updated_at" TIMESTAMP NOT NULL,
    "account_id" CHAR(36) NOT NULL REFERENCES "account" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_account_gra_account_161d87" UNIQUE ("account_id", "kind")
);
CREATE TABLE "blob" (
    "id" CHAR(36) NOT NULL  PRIMARY KEY,
    "key" VARCHAR(200) NOT NULL UNIQUE,
    "size" BIGINT NOT NULL,
    "sha256" VARCHAR(64) NOT NULL,
    "created_at" TIMESTAMP NOT NULL
);
CREATE TABLE "chunk" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "index" INT NOT NULL,
    "size" INT NOT NULL,
    "sha256" VARCHAR(64) NOT NULL,
    "upload_id" CHAR(36) NOT NULL REFERENCES "upload" ("id") ON DELETE CASCADE, "xxh3" VARCHAR(32), "source" VARCHAR(200), "source_offset" BIGINT, "etag" VARCHAR(200),
    CONSTRAINT "uid_chunk_upload__0a230f" UNIQUE ("upload_id", "index")
);
CREATE TABLE "file" (
    "id" CHAR(36) NOT NULL  PRIMARY KEY,
    "name" VARCHAR(255) NOT NULL,
    "mime_type" VARCHAR(127) NOT NULL,
    "media" JSON,
    "created_at" TIMESTAMP NOT NULL,
    "account_id" CHAR(36) NOT NULL REFERENCES "account" ("id") ON DELETE RESTRICT,
    "blob_id" CHAR(36) NOT NULL REFERENCES "blob" ("id") ON DELETE RESTRICT
);
CREATE TABLE "job" (
    "id" CHAR(36) NOT NULL  PRIMARY KEY,
    "kind" VARCHAR(32) NOT NULL  /* REASSEMBLE: REASSEMBLE\nCOMPRESS: COMPRESS */,
    "subject_id" CHAR(36) NOT NULL,
    "state" VARCHAR(16) NOT NULL  /* QUEUED: QUEUED\nRUNNING: RUNNING\nDONE: DONE\nFAILED: FAILED */,
    "attempts" INT NOT NULL,
    "run_after" TIMESTAMP NOT NULL,
    "lease_owner" VARCHAR(200),
    "lease_token" CHAR(36),
    "lease_until" TIMESTAMP,
    "progress" JSON,
    "error_code" VARCHAR(64),
    "error_message" VARCHAR(500),
    "created_at" TIMESTAMP NOT NULL, "trace" VARCHAR(64),
    CONSTRAINT "uid_job_kind_513476" UNIQUE ("kind", "subject_id")
);
CREATE TABLE "registration" (
    "email" VARCHAR(254) NOT NULL  PRIMARY KEY,
    "user_id" VARCHAR(32) NOT NULL,
    "name" VARCHAR(100) NOT NULL,
    "password_hash" VARCHAR(255) NOT NULL,
    "otp_hash" VARCHAR(64) NOT NULL,
    "attempts" INT NOT NULL,
    "expires_at" TIMESTAMP NOT NULL
);
CREATE TABLE "rendition" (
    "id" CHAR(36) NOT NULL  PRIMARY KEY,
    "kind" VARCHAR(32) NOT NULL  /* COMPRESSED_VIDEO: COMPRESSED_VIDEO */,
    "mime_type" VARCHAR(127) NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "blob_id" CHAR(36) NOT NULL REFERENCES "blob" ("id") ON DELETE RESTRICT,
    "file_id" CHAR(36) NOT NULL REFERENCES "file" ("id") ON DELETE RESTRICT,
    CONSTRAINT "uid_rendition_file_id_14bb5a" UNIQUE ("file_id", "kind")
);
CREATE TABLE "session" (
    "id" CHAR(36) NOT NULL  PRIMARY KEY,
    "refresh_hash" VARCHAR(64) NOT NULL,
    "expires_at" TIMESTAMP NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "account_id" CHAR(36) NOT NULL REFERENCES "account" ("id") ON DELETE CASCADE
, "rotated_at" TIMESTAMP);
CREATE TABLE "tortoise_migrations" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "app" VARCHAR(255) NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "applied_at" TIMESTAMP NOT NULL,
    CONSTRAINT "uid_tortoise_mi_app_3803a5" UNIQUE ("app", "name")
);
INSERT INTO "tortoise_migrations" VALUES(1,'cloudkeep','0001_initial','2026-11-30 06:43:10.298021+00:00');
INSERT INTO "tortoise_migrations" VALUES(2,'cloudkeep','0002_fingerprint','2026-11-30 06:43:10.365552+00:00');
INSERT INTO "tortoise_migrations" VALUES(3,'cloudkeep','0003_blob_digest','2026-11-30 06:43:10.403769+00:00');
INSERT INTO "tortoise_migrations" VALUES(4,'cloudkeep','0004_received','2026-11-30 06:43:10.526277+00:00');
INSERT INTO "tortoise_migrations" VALUES(5,'cloudkeep','0005_held','2026-11-30 06:43:10.810570+00:00');
INSERT INTO "tortoise_migrations" VALUES(6,'cloudkeep','0006_grants','2026-11-30 06:43:10.836958+00:00');
INSERT INTO "tortoise_migrations" VALUES(7,'cloudkeep','0007_staging','2026-11-30 06:43:10.922239+00:00');
INSERT INTO "tortoise_migrations" VALUES(8,'cloudkeep','0008_job_trace','2026-11-30 06:43:10.945589+00:00');
INSERT INTO "tortoise_migrations" VALUES(9,'cloudkeep','0009_indexes','2026-11-30 06:43:11.069694+00:00');
INSERT INTO "tortoise_migrations" VALUES(10,'cloudkeep','0010_session_rotated','2026-11-30 06:43:11.097875+00:00');
CREATE TABLE "upload" (
    "id" CHAR(36) NOT NULL  PRIMARY KEY,
    "file_name" VARCHAR(255) NOT NULL,
    "mime_type" VARCHAR(127) NOT NULL,
    "size" BIGINT NOT NULL,
    "chunk_size" INT NOT NULL,
    "sha256" VARCHAR(64),
    "compress" JSON,
    "idempotency_key" VARCHAR(255),
    "status" VARCHAR(16) NOT NULL  /* RECEIVING: RECEIVING\nREASSEMBLING: REASSEMBLING\nCOMPRESSING: COMPRESSING\nREADY: READY\nFAILED: FAILED\nABORTED: ABORTED\nEXPIRED: EXPIRED */,
    "error_code" VARCHAR(64),
    "error_message" VARCHAR(500),
    "expires_at" TIMESTAMP NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "account_id" CHAR(36) NOT NULL REFERENCES "account" ("id") ON DELETE CASCADE,
    "file_id" CHAR(36) REFERENCES "file" ("id") ON DELETE SET NULL, "fingerprint" VARCHAR(64), "received_bytes" BIGINT NOT NULL DEFAULT 0, "received_chunks" INT NOT NULL DEFAULT 0, "direct" INT NOT NULL DEFAULT 0, "staging" TEXT,
    CONSTRAINT "uid_upload_account_984ae7" UNIQUE ("account_id", "idempotency_key")
);
CREATE INDEX "idx_file_account_79c9dc" ON "file" ("account_id", "id");
CREATE INDEX "idx_job_state_77f629" ON "job" ("state", "run_after");
CREATE INDEX "idx_upload_account_5cea83" ON "upload" ("account_id", "id");
CREATE INDEX "idx_upload_status_14e98c" ON "upload" ("status", "expires_at");
CREATE UNIQUE INDEX "uid_upload_fingerp_3e369e" ON "upload" ("fingerprint");
CREATE INDEX "idx_upload_account_4f3f5d" ON "upload" ("account_id", "sha256");
CREATE INDEX "idx_blob_sha256_26adca" ON "blob" ("sha256");
CREATE INDEX "idx_chunk_sha256_b970d3" ON "chunk" ("sha256");
CREATE INDEX "idx_file_blob_id_ffd3cc" ON "file" ("blob_id");
CREATE INDEX "idx_job_subject_67a142" ON "job" ("subject_id");
CREATE INDEX "idx_registratio_expires_811153" ON "registration" ("expires_at");
CREATE INDEX "idx_rendition_blob_id_ba9146" ON "rendition" ("blob_id");
CREATE INDEX "idx_session_expires_823c67" ON "session" ("expires_at");
COMMIT;
