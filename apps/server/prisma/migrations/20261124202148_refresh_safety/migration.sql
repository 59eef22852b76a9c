-- AlterTable
ALTER TABLE "credentials" ADD COLUMN     "expiring_at" TIMESTAMPTZ(3),
ADD COLUMN     "last_used_at" TIMESTAMPTZ(3),
ADD COLUMN     "lease_number" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "refresh_stopped_at" TIMESTAMPTZ(3),
ADD COLUMN     "rotates" BOOLEAN;

-- AlterTable
ALTER TABLE "integrations" ADD COLUMN     "client_jwk" JSONB,
ADD COLUMN     "client_key" BYTEA,
ADD COLUMN     "dpop" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "learned_lifetime_seconds" INTEGER,
ADD COLUMN     "retry_at" TIMESTAMPTZ(3),
ADD COLUMN     "stop_after_unused_days" INTEGER;

-- CreateTable
CREATE TABLE "nodes" (
    "id" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "beat_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "nodes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "token_endpoints" (
    "url" TEXT NOT NULL,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "open_until" TIMESTAMPTZ(3),
    "closed_at" TIMESTAMPTZ(3),
    "next_slot_at" TIMESTAMPTZ(3),
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "token_endpoints_pkey" PRIMARY KEY ("url")
);

-- CreateTable
CREATE TABLE "deployments" (
    "place" TEXT NOT NULL,
    "deployment_id" TEXT NOT NULL,
    "root_key_id" TEXT NOT NULL,
    "high_water" BIGINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "adopted_at" TIMESTAMPTZ(3),
    "foreign_before" TIMESTAMPTZ(3),
    "verify_before" TIMESTAMPTZ(3),

    CONSTRAINT "deployments_pkey" PRIMARY KEY ("place")
);

-- CreateIndex
CREATE INDEX "credentials_expiring_at_idx" ON "credentials"("expiring_at");

-- Grants whose end is known are told of two weeks ahead, also those that were there before.
UPDATE "credentials" SET "expiring_at" = "refresh_expires_at" - INTERVAL '14 days' WHERE "refresh_expires_at" IS NOT NULL;

-- Room beside each row, so that a lease is written where the row lies, without a new entry in every index.
ALTER TABLE "credentials" SET (fillfactor = 85);
