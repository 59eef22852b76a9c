-- CreateTable
CREATE TABLE "held_credentials" (
    "session_id" TEXT NOT NULL,
    "envelope" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "held_credentials_pkey" PRIMARY KEY ("session_id")
);

-- AddForeignKey
ALTER TABLE "held_credentials" ADD CONSTRAINT "held_credentials_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "connect_sessions"("id") ON DELETE CASCADE ON UPDATE CASCADE;
