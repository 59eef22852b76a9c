-- CreateTable
CREATE TABLE "audit_pending" (
    "sequence" BIGSERIAL NOT NULL,
    "environment" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "time" TIMESTAMPTZ(3) NOT NULL,
    "action" TEXT NOT NULL,
    "connection_id" TEXT,
    "content" JSONB NOT NULL,

    CONSTRAINT "audit_pending_pkey" PRIMARY KEY ("sequence")
);

-- CreateTable
CREATE TABLE "audit_entries" (
    "sequence" BIGINT NOT NULL,
    "environment" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "position" BIGINT NOT NULL,
    "time" TIMESTAMPTZ(3) NOT NULL,
    "action" TEXT NOT NULL,
    "connection_id" TEXT,
    "content" JSONB,
    "salt" BYTEA,
    "content_hash" BYTEA NOT NULL,
    "hash" BYTEA NOT NULL,
    "seal" BYTEA NOT NULL,

    CONSTRAINT "audit_entries_pkey" PRIMARY KEY ("sequence")
);

-- CreateTable
CREATE TABLE "audit_heads" (
    "environment" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "position" BIGINT NOT NULL,
    "hash" BYTEA NOT NULL,
    "first_position" BIGINT NOT NULL,
    "first_previous_hash" BYTEA NOT NULL,
    "erased_at" TIMESTAMPTZ(3),
    "seal" BYTEA NOT NULL,

    CONSTRAINT "audit_heads_pkey" PRIMARY KEY ("environment","tenant_id")
);

-- CreateTable
CREATE TABLE "audit_counts" (
    "bucket" TEXT NOT NULL,
    "environment" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "connection_id" TEXT,
    "content" JSONB NOT NULL,
    "count" INTEGER NOT NULL,
    "first_at" TIMESTAMPTZ(3) NOT NULL,
    "last_at" TIMESTAMPTZ(3) NOT NULL,
    "ends_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "audit_counts_pkey" PRIMARY KEY ("bucket")
);

-- CreateTable
CREATE TABLE "audit_keys" (
    "place" TEXT NOT NULL,
    "envelope" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "audit_keys_pkey" PRIMARY KEY ("place")
);

-- CreateIndex
CREATE INDEX "audit_entries_connection_id_sequence_idx" ON "audit_entries"("connection_id", "sequence");

-- CreateIndex
CREATE INDEX "audit_entries_environment_action_sequence_idx" ON "audit_entries"("environment", "action", "sequence");

-- CreateIndex
CREATE UNIQUE INDEX "audit_entries_environment_tenant_id_position_key" ON "audit_entries"("environment", "tenant_id", "position");

-- CreateIndex
CREATE INDEX "audit_counts_ends_at_idx" ON "audit_counts"("ends_at");

-- An entry is never changed but to erase its content, and never deleted but below the first that its chain still promises.
-- Whoever owns the database can take these away: they are here for mistakes. What finds a hand that does is the chain.
CREATE FUNCTION keep_audit_entry() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.content IS NULL AND NEW.salt IS NULL
    AND (NEW.sequence, NEW.environment, NEW.tenant_id, NEW.position, NEW.time, NEW.action, NEW.content_hash, NEW.hash, NEW.seal)
      = (OLD.sequence, OLD.environment, OLD.tenant_id, OLD.position, OLD.time, OLD.action, OLD.content_hash, OLD.hash, OLD.seal)
    AND NEW.connection_id IS NOT DISTINCT FROM OLD.connection_id THEN
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' AND EXISTS (SELECT 1 FROM audit_heads h WHERE h.environment = OLD.environment
    AND h.tenant_id = OLD.tenant_id AND h.first_position > OLD.position) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the audit is append-only';
END $$;

CREATE TRIGGER audit_entries_kept BEFORE UPDATE OR DELETE ON "audit_entries"
  FOR EACH ROW EXECUTE FUNCTION keep_audit_entry();

CREATE FUNCTION keep_audit() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit is append-only';
END $$;

CREATE TRIGGER audit_kept BEFORE TRUNCATE ON "audit_entries"
  FOR EACH STATEMENT EXECUTE FUNCTION keep_audit();
