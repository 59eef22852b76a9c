import type { Clock } from '../clock.js';
import type { Randomness } from '../randomness.js';
import type { ConnectConnections } from './connect-integrations.js';
import { ConnectRefusal } from './connect-refusal.js';
import { type ConnectSession, statusOf } from './connect-session.js';
import type { ConnectSessionStore } from './connect-session-store.js';
import { belongsTo } from './create-session.js';
import { sameHash, secretHash } from './secret-hash.js';
import { linkCodeHash, newSecret, sessionTokenHash } from './session-token.js';

/** What a button's form said, and from where. */
export interface ButtonForm {
  readonly token: string;
  readonly origin: string | null;
  readonly integration: string | null;
  readonly connectionId: string | null;
  readonly display: 'popup' | 'redirect';
}

/** A session that is open in a browser, and the id by which that browser is known again. */
export interface SessionInBrowser {
  readonly session: ConnectSession;
  readonly browserId: string;
}

/** A session that a button opened. */
export interface OpenedByButton {
  readonly sessionId: string;
  /**
   * Proves to the next request that it comes from the same browser. The form is posted from another site, so the
   * browser's own id does not come with it, and giving it a new one would cut off its other tabs.
   */
  readonly passingProof: string;
}

export interface OpenSessionDependencies {
  readonly sessions: Pick<
    ConnectSessionStore,
    'findById' | 'findByTokenHash' | 'findByLinkCodeHash' | 'open' | 'openByLink' | 'rebind'
  >;
  readonly connections: Pick<ConnectConnections, 'findRecord'>;
  readonly clock: Clock;
  readonly randomness: Randomness;
}

/** Binds sessions to browsers: by the button's form, by a link and a click, and then by the browser's id alone. */
export const createOpenSession = ({ sessions, connections, clock, randomness }: OpenSessionDependencies) => {
  const requireConnect = ({ id, permissions }: ConnectSession): void => {
    if (!permissions.includes('connect')) throw new ConnectRefusal('nothing_to_connect', { sessionId: id });
  };

  const requirePending = (session: ConnectSession): void => {
    requireConnect(session);
    const status = statusOf(session, clock.now());
    if (status === 'expired') throw new ConnectRefusal('session_expired', { sessionId: session.id });
    if (status !== 'pending') throw new ConnectRefusal('session_over', { sessionId: session.id });
  };

  /** A button may name one of the owner's connections, where the session names none. */
  const reconnectIdOf = async (session: ConnectSession, asked: string | null): Promise<string | null> => {
    if (asked === null || asked === session.reconnectId) return session.reconnectId;
    const record = await connections.findRecord(asked, session.environment);
    const { integrations } = session;
    const isAllowed =
      session.reconnectId === null &&
      record !== null &&
      belongsTo(record, session) &&
      (integrations.length === 0 || integrations.includes(record.integrationId));
    if (!isAllowed) throw new ConnectRefusal('nothing_to_connect', { sessionId: session.id });
    return record.id;
  };

  return {
    /**
     * Opens a session by its token, from a page of the app.
     * @throws ConnectRefusal also when the page's origin is not one that the session allows
     */
    async openByButton(form: ButtonForm): Promise<OpenedByButton> {
      const tokenHash = sessionTokenHash(form.token);
      const session = tokenHash && (await sessions.findByTokenHash(tokenHash));
      if (!session) throw new ConnectRefusal('unknown_session');
      const { origin, display, integration: chosen } = form;
      if (origin === null || !session.allowedOrigins.includes(origin)) {
        throw new ConnectRefusal('foreign_origin', { sessionId: session.id });
      }
      requirePending(session);
      const reconnectId = await reconnectIdOf(session, form.connectionId);
      const passingProof = newSecret(randomness);
      const opened = {
        browserHash: secretHash(passingProof),
        openerOrigin: display === 'popup' ? origin : null,
        display,
        chosen,
        reconnectId,
      };
      if (!(await sessions.open(session.id, opened, clock.now()))) {
        throw new ConnectRefusal('session_over', { sessionId: session.id });
      }
      return { sessionId: session.id, passingProof };
    },

    /** Looks at a link without using it up: mail scanners and previews do the same. @throws ConnectRefusal */
    async peekLink(code: string): Promise<ConnectSession> {
      const hash = linkCodeHash(code);
      const found = hash && (await sessions.findByLinkCodeHash(hash));
      if (!found) throw new ConnectRefusal('unknown_link');
      const sessionId = found.session.id;
      if (found.linkUsedAt !== null) throw new ConnectRefusal('link_used', { sessionId });
      if (found.linkExpiresAt <= clock.now()) throw new ConnectRefusal('link_expired', { sessionId });
      requirePending(found.session);
      return found.session;
    },

    /** Swaps a link's code for this browser's leave, once, by the person's own click. @throws ConnectRefusal */
    async openByLink(code: string, known: string | null): Promise<SessionInBrowser> {
      const hash = linkCodeHash(code);
      const found = hash && (await sessions.findByLinkCodeHash(hash));
      if (!found) throw new ConnectRefusal('unknown_link');
      const browserId = known ?? newSecret(randomness);
      const { session, linkUsedAt } = found;
      requireConnect(session);
      if (!(await sessions.openByLink(session.id, secretHash(browserId), clock.now()))) {
        if (linkUsedAt === null) requirePending(session);
        throw new ConnectRefusal(linkUsedAt === null ? 'link_expired' : 'link_used', {
          sessionId: session.id,
        });
      }
      return { session, browserId };
    },

    /**
     * The session of an address, for the browser that it belongs to.
     * @throws ConnectRefusal `unknown_session`, `other_browser`
     */
    async enter(
      sessionId: string,
      { browserId, passingProof }: { browserId: string | null; passingProof: string | null },
    ): Promise<SessionInBrowser> {
      const session = await sessions.findById(sessionId);
      if (!session) throw new ConnectRefusal('unknown_session');
      const known = browserId === null ? null : secretHash(browserId);
      if (browserId !== null && sameHash(known, session.browserHash)) return { session, browserId };
      const proof = passingProof === null ? null : secretHash(passingProof);
      if (proof === null || !sameHash(proof, session.browserHash)) {
        throw new ConnectRefusal('other_browser', { sessionId });
      }
      const lasting = browserId ?? newSecret(randomness);
      const browserHash = secretHash(lasting);
      // False when another tab of this browser was quicker, or another browser took the session over.
      if (!(await sessions.rebind(session.id, proof, browserHash))) {
        const again = await sessions.findById(session.id);
        if (!sameHash(again?.browserHash ?? null, known))
          throw new ConnectRefusal('other_browser', { sessionId });
      }
      return { session: { ...session, browserHash }, browserId: lasting };
    },
  };
};
