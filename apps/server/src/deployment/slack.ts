import type { Database } from '../db/database.js';

/**
 * How much a database may lose by itself: a standby that takes over has missed a few seconds of commits, and the embedded
 * one, which never calls fsync, what the kernel had not written yet (30 s). More than that is a backup.
 */
const SLACK_MILLIS: Readonly<Record<Database['engine'], number>> = { postgres: 5_000, pglite: 60_000 };

/** @see SLACK_MILLIS */
export const slackMillisOf = (engine: Database['engine']): number => SLACK_MILLIS[engine];
