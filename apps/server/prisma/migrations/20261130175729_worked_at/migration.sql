-- AlterTable
ALTER TABLE "credentials" ADD COLUMN     "worked_at" TIMESTAMPTZ(3);

-- What was found well last has been seen to work.
UPDATE "credentials" SET "worked_at" = "answered_at" WHERE "answer" = 'good';
