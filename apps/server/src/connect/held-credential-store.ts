import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import type { SecretPlace, Vault } from '../vault/vault.js';
import type { ConnectSession } from './connect-session.js';

type Owner = Pick<ConnectSession, 'id' | 'environment' | 'tenantId'>;

const placeOf = ({ id, environment, tenantId }: Owner): SecretPlace => ({
  environment,
  tenantId,
  record: id,
  field: 'held_credential',
  version: 1,
});

/** What people typed in sessions that a backend has yet to finish, sealed. */
export const createHeldCredentialStore = ({
  db: { prisma },
  vault,
  clock,
}: {
  readonly db: Pick<Database, 'prisma'>;
  readonly vault: Vault;
  readonly clock: Clock;
}) => ({
  /** Keeps it. False when another window of the session was quicker. */
  async hold(session: Owner, text: string): Promise<boolean> {
    const envelope = new Uint8Array(await vault.seal(placeOf(session), text));
    const data = [{ sessionId: session.id, envelope, createdAt: clock.now() }];
    return (await prisma.heldCredential.createMany({ data, skipDuplicates: true })).count === 1;
  },

  /** What waits in a session; null when nothing was typed there. */
  async open(session: Owner): Promise<string | null> {
    const row = await prisma.heldCredential.findUnique({ where: { sessionId: session.id } });
    return row && vault.open(placeOf(session), row.envelope);
  },

  async drop({ id }: Pick<Owner, 'id'>): Promise<void> {
    await prisma.heldCredential.deleteMany({ where: { sessionId: id } });
  },
});

export type HeldCredentialStore = ReturnType<typeof createHeldCredentialStore>;
