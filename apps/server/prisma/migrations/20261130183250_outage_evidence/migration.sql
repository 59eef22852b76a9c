-- AlterTable
ALTER TABLE "credentials" ADD COLUMN     "renewal_refused_since" TIMESTAMPTZ(3),
ADD COLUMN     "worked_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "failing_places" ADD COLUMN     "ended_at" TIMESTAMPTZ(3);

-- What was found well last has been seen to work.
UPDATE "credentials" SET "worked_at" = "answered_at" WHERE "answer" = 'good';
