-- CreateTable
CREATE TABLE "api_keys" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "environment" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "prefix" TEXT NOT NULL,
    "scopes" TEXT[],
    "tenant_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tenant_keys" (
    "id" TEXT NOT NULL,
    "environment" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "root_key_id" TEXT NOT NULL,
    "wrapped_key" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "tenant_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "integrations" (
    "id" TEXT NOT NULL,
    "environment" TEXT NOT NULL,
    "integration_id" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "auth_method" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "client_secret" BYTEA,
    "scopes" TEXT[],
    "config" JSONB NOT NULL,
    "redirect_uri" TEXT,
    "status" TEXT NOT NULL DEFAULT 'healthy',
    "reason" TEXT,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "integrations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "connections" (
    "id" TEXT NOT NULL,
    "environment" TEXT NOT NULL,
    "integration_id" TEXT NOT NULL,
    "integration_row_id" TEXT,
    "provider" TEXT NOT NULL,
    "auth_method" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "reason" TEXT,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "reconnect_by" TIMESTAMPTZ(3),
    "account" JSONB,
    "requested_scopes" TEXT[],
    "scopes" TEXT[],
    "config" JSONB NOT NULL,
    "metadata" JSONB NOT NULL,
    "verified_at" TIMESTAMPTZ(3),
    "verified_by" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "connections_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "credentials" (
    "connection_id" TEXT NOT NULL,
    "environment" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "envelope" BYTEA NOT NULL,
    "token_type" TEXT NOT NULL,
    "issued_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "refresh_expires_at" TIMESTAMPTZ(3),
    "refresh_at" TIMESTAMPTZ(3),
    "refresh_failures" INTEGER NOT NULL DEFAULT 0,
    "lease_owner" TEXT,
    "lease_until" TIMESTAMPTZ(3),
    "refresh_intent_at" TIMESTAMPTZ(3),
    "probe_at" TIMESTAMPTZ(3),
    "probe_lease_owner" TEXT,
    "probe_lease_until" TIMESTAMPTZ(3),
    "suspected_reason" TEXT,

    CONSTRAINT "credentials_pkey" PRIMARY KEY ("connection_id")
);

-- CreateTable
CREATE TABLE "named_secrets" (
    "connection_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "envelope" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "named_secrets_pkey" PRIMARY KEY ("connection_id","name")
);

-- CreateTable
CREATE TABLE "connect_sessions" (
    "id" TEXT NOT NULL,
    "environment" TEXT NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "link_code_hash" BYTEA NOT NULL,
    "link_expires_at" TIMESTAMPTZ(3) NOT NULL,
    "link_used_at" TIMESTAMPTZ(3),
    "tenant_id" TEXT NOT NULL,
    "owner" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "integrations" TEXT[],
    "label" TEXT NOT NULL,
    "reconnect_id" TEXT,
    "scopes" TEXT[],
    "config" JSONB NOT NULL,
    "metadata" JSONB NOT NULL,
    "permissions" TEXT[],
    "allowed_origins" TEXT[],
    "return_url" TEXT,
    "code_challenge" TEXT,
    "status" TEXT NOT NULL,
    "error_code" TEXT,
    "error_detail" TEXT,
    "browser_hash" BYTEA,
    "opener_origin" TEXT,
    "display" TEXT,
    "integration_id" TEXT,
    "connection_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "connect_sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "authorization_requests" (
    "id" TEXT NOT NULL,
    "state_hash" BYTEA NOT NULL,
    "session_id" TEXT NOT NULL,
    "integration_row_id" TEXT NOT NULL,
    "integration_version" INTEGER NOT NULL,
    "environment" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "envelope" BYTEA NOT NULL,
    "issuer" TEXT,
    "redirect_uri" TEXT NOT NULL,
    "config" JSONB NOT NULL,
    "requested_scopes" TEXT[],
    "browser_hash" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "consumed_at" TIMESTAMPTZ(3),

    CONSTRAINT "authorization_requests_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "events" (
    "id" TEXT NOT NULL,
    "sequence" BIGSERIAL NOT NULL,
    "type" TEXT NOT NULL,
    "environment" TEXT NOT NULL,
    "connection_id" TEXT,
    "tenant_id" TEXT,
    "payload" JSONB NOT NULL,
    "time" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotent_requests" (
    "environment" TEXT NOT NULL,
    "api_key_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "request_hash" BYTEA NOT NULL,
    "status" INTEGER,
    "envelope" BYTEA,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotent_requests_pkey" PRIMARY KEY ("environment","api_key_id","key")
);

-- CreateIndex
CREATE UNIQUE INDEX "api_keys_hash_key" ON "api_keys"("hash");

-- CreateIndex
CREATE UNIQUE INDEX "tenant_keys_environment_tenant_id_version_key" ON "tenant_keys"("environment", "tenant_id", "version");

-- CreateIndex
CREATE INDEX "integrations_environment_provider_idx" ON "integrations"("environment", "provider");

-- CreateIndex
CREATE UNIQUE INDEX "integrations_environment_tenant_id_integration_id_key" ON "integrations"("environment", "tenant_id", "integration_id");

-- CreateIndex
CREATE INDEX "connections_environment_tenant_id_provider_idx" ON "connections"("environment", "tenant_id", "provider");

-- CreateIndex
CREATE INDEX "connections_environment_created_at_id_idx" ON "connections"("environment", "created_at", "id");

-- CreateIndex
CREATE INDEX "connections_integration_row_id_idx" ON "connections"("integration_row_id");

-- CreateIndex
CREATE UNIQUE INDEX "connections_environment_tenant_id_integration_id_owner_user_key" ON "connections"("environment", "tenant_id", "integration_id", "owner", "user_id", "label");

-- CreateIndex
CREATE INDEX "credentials_refresh_at_idx" ON "credentials"("refresh_at");

-- CreateIndex
CREATE INDEX "credentials_probe_at_idx" ON "credentials"("probe_at");

-- CreateIndex
CREATE UNIQUE INDEX "connect_sessions_token_hash_key" ON "connect_sessions"("token_hash");

-- CreateIndex
CREATE UNIQUE INDEX "connect_sessions_link_code_hash_key" ON "connect_sessions"("link_code_hash");

-- CreateIndex
CREATE INDEX "connect_sessions_expires_at_idx" ON "connect_sessions"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "authorization_requests_state_hash_key" ON "authorization_requests"("state_hash");

-- CreateIndex
CREATE INDEX "authorization_requests_expires_at_idx" ON "authorization_requests"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "events_sequence_key" ON "events"("sequence");

-- CreateIndex
CREATE INDEX "events_environment_sequence_idx" ON "events"("environment", "sequence");

-- CreateIndex
CREATE INDEX "events_connection_id_sequence_idx" ON "events"("connection_id", "sequence");

-- CreateIndex
CREATE INDEX "idempotent_requests_created_at_idx" ON "idempotent_requests"("created_at");

-- AddForeignKey
ALTER TABLE "connections" ADD CONSTRAINT "connections_integration_row_id_fkey" FOREIGN KEY ("integration_row_id") REFERENCES "integrations"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "credentials" ADD CONSTRAINT "credentials_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connections"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "named_secrets" ADD CONSTRAINT "named_secrets_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connections"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "authorization_requests" ADD CONSTRAINT "authorization_requests_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "connect_sessions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "authorization_requests" ADD CONSTRAINT "authorization_requests_integration_row_id_fkey" FOREIGN KEY ("integration_row_id") REFERENCES "integrations"("id") ON DELETE CASCADE ON UPDATE CASCADE;
