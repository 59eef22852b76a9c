import type { StatusReason } from '@authpipe/types';
import { addSeconds, type Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import type { Logger } from '../log/logger.js';
import type { Randomness } from '../randomness.js';
import { createFailingPlacesStore, LONGEST_HOLD_SECONDS } from './failing-places-store.js';
import { judgePeers, type PlaceState, WITNESSES } from './judge-peers.js';
import { createPeersStore, type Question, type Suspect, type Witness } from './peers-store.js';
import { type Place, placeKey } from './place.js';

export type { Question, Suspect } from './peers-store.js';

/** What a witness was answered; `nothing`: it could not be asked what is in question. */
export type Heard = 'an_answer' | 'nothing';

/** Asks about another connection now, and notes what comes of it. Never rejects. */
export type AskWitness = (
  witness: Pick<Witness, 'connectionId' | 'environment'>,
  question: Question,
) => Promise<Heard>;

/**
 * Whose fault a failure is. `own`: the connection's. `held`: the provider's or the integration's, or nobody can tell yet:
 * the connection's state stays as it is.
 */
export type Fault = 'own' | 'held';

/** A client that is refused is told of the integration alone, where it has more connections than this. */
const FEW_CONNECTIONS = 10;
/** Others that can't be asked, such as keys whose API answers nothing that can be read, hold a verdict no longer. */
const LONGEST_UNCLEAR_SECONDS = 3600;

/** Keeps the outage of a provider, or the fault of an integration, from being told as a fault of each connection. */
export interface Outages {
  /**
   * A connection's credential was refused, by answers that agree. Others are asked before it is believed.
   * @param question what was refused
   * @param mayGoOn asked before each of the others is, which may take as long as a request: whether the verdict is still wanted
   */
  judgeRefusal(
    suspect: Suspect,
    reason: StatusReason,
    question: Question,
    mayGoOn?: () => Promise<boolean>,
  ): Promise<Fault>;
  /** The provider did not answer for a connection, or only that it can't. Nobody else is asked. */
  judgeSilence(suspect: Suspect): Promise<Fault>;
  /** Whether its place is known to fail: then nothing that it says needs to be confirmed. */
  isFailing(suspect: Suspect): Promise<boolean>;
  /** Whether a refused client is told of the integration, and not of each of its connections. */
  isToldOfIntegration(integrationRowId: string | null): Promise<boolean>;
  /** Ends what is over, tries what is not, and puts off all else that is due there. Before each sweep of probes. */
  tend(now: Date): Promise<void>;
}

/** The outage rule, over all replicas. */
export const createOutages = ({
  db,
  clock,
  randomness,
  log,
  askWitness,
  intervalSeconds,
}: {
  readonly db: Database;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly askWitness: AskWitness;
  /** Over which looks are spread when an outage is over. */
  readonly intervalSeconds: number;
}): Outages => {
  const peers = createPeersStore(db);
  const places = createFailingPlacesStore({ db, randomness });

  const placesOf = ({ host, integrationRowId }: Suspect, question: Question): Place[] => [
    ...(integrationRowId === null ? [] : [{ integrationRowId, question }]),
    { host, question },
  ];

  /** Since when one of its places fails. Where tokens are called dead that live, nothing else can be believed either. */
  const failingSince = async (suspect: Suspect, question: Question): Promise<Date | null> => {
    const failing = await places.list();
    if (failing.size === 0) return null;
    const asked = [
      ...placesOf(suspect, 'token'),
      ...(question === 'token' ? [] : placesOf(suspect, question)),
    ];
    const since = asked.map((place) => failing.get(placeKey(place)));
    return since.find((time) => time !== undefined) ?? null;
  };

  const declare = async (place: Place, reason: StatusReason): Promise<void> => {
    if (!(await places.declare(place, reason, clock.now()))) return;
    log.warn(
      { place: placeKey(place), reason },
      'many connections fail at once: their verdicts are held back',
    );
  };

  /**
   * What others say of the integration, of all else there, and of the host.
   * @param begunAt when the suspect was judged: who is asked then says something of it
   */
  const look = async (
    suspect: Suspect,
    question: Question,
    begunAt: Date,
    asked: readonly string[] = [],
  ): Promise<Record<'integration' | 'others' | 'host', PlaceState>> => {
    const answers = await peers.answersSince(question, suspect, begunAt, asked);
    return {
      integration: judgePeers(answers.filter(({ isOfIntegration }) => isOfIntegration)),
      others: judgePeers(answers.filter(({ isOfIntegration }) => !isOfIntegration)),
      host: judgePeers(answers),
    };
  };

  /** Declares what fails: the whole host, where other integrations' connections fail too, or nothing tells them apart. */
  const declareFailing = async (
    { integrationRowId, host }: Suspect,
    state: Record<'integration' | 'others' | 'host', PlaceState>,
    reason: StatusReason,
    question: Question,
  ): Promise<boolean> => {
    const isIntegration = state.integration === 'failing' && state.others !== 'failing';
    if (isIntegration && integrationRowId !== null) await declare({ integrationRowId, question }, reason);
    else if (state.integration === 'failing' || state.host === 'failing')
      await declare({ host, question }, 'provider_down');
    else return false;
    return true;
  };

  const hasFailedForLong = async ({ connectionId }: Suspect, question: Question): Promise<boolean> => {
    const since = await peers.failingSince(question, connectionId);
    return since !== null && since <= addSeconds(clock.now(), -LONGEST_UNCLEAR_SECONDS);
  };

  /** Who never had a right most likely lacks it; where others are known to lose it now, that is seen without asking. */
  const findWitnesses = async (suspect: Suspect, question: Question, begunAt: Date): Promise<Witness[]> =>
    question === 'rights' && !suspect.hasWorked ? [] : peers.witnesses(question, suspect, begunAt, WITNESSES);

  return {
    async judgeRefusal(suspect, reason, question, mayGoOn = async () => true) {
      const begunAt = clock.now();
      const since = await failingSince(suspect, question);
      if (since !== null) {
        return since <= addSeconds(clock.now(), -LONGEST_HOLD_SECONDS) ? 'own' : 'held';
      }
      const asked: string[] = [];
      let candidates: Witness[] | null = null;
      let isUnclear = false;
      for (;;) {
        const state = await look(suspect, question, begunAt, asked);
        if (await declareFailing(suspect, state, reason, question)) return 'held';
        if (state.integration === 'working') return 'own';
        candidates ??= await findWitnesses(suspect, question, begunAt);
        const witness = candidates.shift();
        // Where the integration has no others to ask, the host's others speak.
        const isEnough = state.host === 'working' && witness?.isOfIntegration !== true;
        if (isEnough) return 'own';
        if (!witness) return isUnclear && !(await hasFailedForLong(suspect, question)) ? 'held' : 'own';
        if (!(await mayGoOn())) return 'held';
        asked.push(witness.connectionId);
        if ((await askWitness(witness, question)) === 'nothing') isUnclear = true;
      }
    },

    async judgeSilence(suspect) {
      if ((await failingSince(suspect, 'token')) !== null) return 'held';
      const { host } = await look(suspect, 'token', clock.now());
      if (host === 'working') return 'own';
      // Who does not answer, does not answer any integration.
      if (host === 'failing') {
        await declare({ host: suspect.host, question: 'token' }, 'provider_down');
        return 'held';
      }
      const others = await peers.witnesses('token', suspect, clock.now(), WITNESSES);
      return others.length >= WITNESSES ? 'held' : 'own';
    },

    async isFailing(suspect) {
      const since = await failingSince(suspect, 'token');
      return since !== null && since > addSeconds(clock.now(), -LONGEST_HOLD_SECONDS);
    },

    async isToldOfIntegration(integrationRowId) {
      return integrationRowId !== null && (await peers.hasConnections(integrationRowId, FEW_CONNECTIONS + 1));
    },

    async tend(now) {
      const failing = [...(await places.list()).keys()];
      const ended = await places.tend(failing, now, intervalSeconds);
      for (const place of ended) log.info({ place }, 'connections work again there: looks are resumed');
    },
  };
};
