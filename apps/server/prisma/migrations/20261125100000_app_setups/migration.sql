-- CreateTable
CREATE TABLE "app_setups" (
    "id" TEXT NOT NULL,
    "environment" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "integration_id" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "integration_row_id" TEXT NOT NULL,
    "asker" TEXT,
    "link_hash" BYTEA NOT NULL,
    "browser_hash" BYTEA,
    "session_id" TEXT,
    "config" JSONB NOT NULL,
    "scopes" TEXT[],
    "client_key" BYTEA,
    "client_jwk" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "app_setups_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "app_setups_link_hash_key" ON "app_setups"("link_hash");

-- CreateIndex
CREATE INDEX "app_setups_integration_row_id_idx" ON "app_setups"("integration_row_id");

-- CreateIndex
CREATE INDEX "app_setups_expires_at_idx" ON "app_setups"("expires_at");
