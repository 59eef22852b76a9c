-- DropIndex
DROP INDEX "events_environment_sequence_idx";

-- AlterTable
ALTER TABLE "events" ADD COLUMN     "position" BIGINT;

-- CreateTable
CREATE TABLE "event_counter" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "last_position" BIGINT NOT NULL DEFAULT 0,
    "swept_up_to" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "event_counter_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "events_position_key" ON "events"("position");

-- CreateIndex
CREATE INDEX "events_type_time_idx" ON "events"("type", "time");

INSERT INTO "event_counter" ("id") VALUES (1);

-- Numbers what has been committed since the last time, and answers the last number. One transaction at a time: the row of
-- the counter is held until the commit, so a number is never visible before a smaller one. Each statement in here sees
-- what was committed before it began, also what the transaction that held the row before has numbered.
CREATE FUNCTION number_events() RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
  last BIGINT;
  given BIGINT;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM events WHERE position IS NULL) THEN
    SELECT last_position INTO last FROM event_counter;
    RETURN last;
  END IF;
  SELECT last_position INTO last FROM event_counter FOR UPDATE;
  UPDATE events e SET position = last + waiting.place
  FROM (SELECT id, row_number() OVER (ORDER BY sequence) AS place FROM events WHERE position IS NULL) AS waiting
  WHERE e.id = waiting.id;
  GET DIAGNOSTICS given = ROW_COUNT;
  UPDATE event_counter SET last_position = last + given;
  RETURN last + given;
END $$;

-- Tells those who follow the outbox, when the transaction commits and only then.
CREATE FUNCTION tell_of_events() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM written) THEN
    PERFORM pg_notify('authpipe_events', '');
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER events_told AFTER INSERT ON "events"
  REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION tell_of_events();
