-- AlterTable
ALTER TABLE "connections" ADD COLUMN     "failed_api" TEXT,
ADD COLUMN     "lost_scopes" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "credentials" ADD COLUMN     "answer" TEXT,
ADD COLUMN     "answer_host" TEXT,
ADD COLUMN     "answered_at" TIMESTAMPTZ(3),
ADD COLUMN     "failing_since" TIMESTAMPTZ(3),
ADD COLUMN     "report_slot_at" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "failing_places" (
    "place" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "trial_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "failing_places_pkey" PRIMARY KEY ("place")
);

-- CreateTable
CREATE TABLE "probe_limits" (
    "bucket" TEXT NOT NULL,
    "next_slot_at" TIMESTAMPTZ(3) NOT NULL,
    "told_requests" INTEGER,
    "closed_until" TIMESTAMPTZ(3),

    CONSTRAINT "probe_limits_pkey" PRIMARY KEY ("bucket")
);

-- CreateIndex
CREATE INDEX "credentials_answer_host_answered_at_idx" ON "credentials"("answer_host", "answered_at");
