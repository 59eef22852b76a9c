import { createSeededRandom } from './seeded-random.js';

/** What goes wrong beside the kills, one at a time. */
export type TroubleKind =
  | 'database_down'
  | 'org_500'
  | 'org_429'
  | 'org_hanging'
  | 'org_drops_answers'
  | 'server_frozen';

/** A SIGKILL for one server, whichever runs then, and how long it stays down. */
export interface PlannedKill {
  readonly atMillis: number;
  /** In [0, 1): which of the servers that run at that time. */
  readonly victim: number;
  /** Whether one that is only starting may be hit, too. */
  readonly mayHitStarting: boolean;
  readonly restartAfterMillis: number;
}

export interface PlannedTrouble {
  readonly kind: TroubleKind;
  readonly fromMillis: number;
  readonly toMillis: number;
  /** In [0, 1): which server, for `server_frozen`. */
  readonly victim: number;
}

/**
 * Everything that will be done to the system, from the start of the run on. Beginnings are in the run's own time, which
 * stands still while no server is up: on a slow machine servers take long to start, and killing them before would show
 * nothing.
 */
export interface ChaosPlan {
  readonly kills: readonly PlannedKill[];
  readonly troubles: readonly PlannedTrouble[];
  readonly endMillis: number;
}

/** How hard a run is. All times in milliseconds. */
export interface ChaosSettings {
  readonly seed: number;
  readonly kills: number;
  /** Kills come at random, this far apart on average while every server is up, and rarer while some are not. */
  readonly killEveryMillis: number;
  /** Rest between two troubles, on average. */
  readonly calmMillis: number;
  /** How long each kind of trouble lasts; one that is left out does not come. */
  readonly troubleMillis: Readonly<Partial<Record<TroubleKind, number>>>;
}

/** One kill in five may end a server that has not even started. */
const HIT_STARTING = 0.2;

/** Kills and troubles at random moments, the same for the same settings. Kinds take turns, in a new order each round. */
export function planChaos(settings: ChaosSettings): ChaosPlan {
  const random = createSeededRandom(settings.seed);
  const kills: PlannedKill[] = [];
  let atMillis = 0;
  for (let count = 0; count < settings.kills; count += 1) {
    atMillis += settings.killEveryMillis * random.between(0.3, 1.7);
    kills.push({
      atMillis,
      victim: random.fraction(),
      mayHitStarting: random.fraction() < HIT_STARTING,
      restartAfterMillis: random.between(50, 1_500),
    });
  }
  const troubles: PlannedTrouble[] = [];
  const kinds = Object.keys(settings.troubleMillis) as TroubleKind[];
  let fromMillis = settings.calmMillis * random.between(0.5, 1);
  while (kinds.length > 0 && fromMillis < atMillis) {
    for (const kind of random.shuffled(kinds)) {
      if (fromMillis >= atMillis) break;
      const toMillis = fromMillis + (settings.troubleMillis[kind] ?? 0);
      troubles.push({ kind, fromMillis, toMillis, victim: random.fraction() });
      fromMillis = toMillis + settings.calmMillis * random.between(0.5, 1.5);
    }
  }
  return { kills, troubles, endMillis: Math.max(atMillis, ...troubles.map(({ toMillis }) => toMillis)) };
}
