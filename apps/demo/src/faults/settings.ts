import { parseArgs } from 'node:util';

/** What a run can show: refreshes through kills and outages, a copied database, a restored backup, health told truly. */
export type Scenario = 'kills' | 'clone' | 'restore' | 'health';

const SCENARIOS: readonly Scenario[] = ['kills', 'clone', 'restore', 'health'];

/** How a run was asked for on the command line. */
export interface FaultSettings {
  readonly scenario: Scenario;
  readonly kills: number;
  readonly connections: number;
  readonly tokenSeconds: number;
  readonly graceSeconds: number;
  readonly seed: number;
  /** Keep the servers' logs even where all is well. */
  readonly keep: boolean;
  readonly fromSources: boolean;
}

const CONNECTIONS: Readonly<Record<Scenario, number>> = { kills: 300, clone: 30, restore: 30, health: 2_000 };

const LARGEST_SEED = 2 ** 31;

/**
 * Reads the arguments of `npm run faults`. Defaults: 200 kills, 300 connections, tokens of 20 s, a grace of 30 s, a new
 * seed. `clone` and `restore` have 30 connections and a grace of 2 s, which they have to outlast; `health` has 2,000
 * connections. The scenario may stand first, without `--scenario`.
 * @throws RangeError that says what to give instead
 */
export function readSettings(args: readonly string[]): FaultSettings {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      scenario: { type: 'string' },
      kills: { type: 'string' },
      connections: { type: 'string' },
      tokens: { type: 'string' },
      grace: { type: 'string' },
      seed: { type: 'string' },
      keep: { type: 'boolean', default: false },
      sources: { type: 'boolean', default: false },
    },
  });
  const named = values.scenario ?? positionals[0] ?? 'kills';
  const scenario = SCENARIOS.find((one) => one === named);
  if (!scenario) throw new RangeError(`--scenario must be one of ${SCENARIOS.join(', ')}.`);
  const whole = (name: string, text: string | undefined, fallback: number): number => {
    if (text === undefined) return fallback;
    const number = Number(text.replace(/s$/, ''));
    if (Number.isSafeInteger(number) && number >= 0) return number;
    throw new RangeError(`--${name} must be a whole number, 0 or more.`);
  };
  const settings: FaultSettings = {
    scenario,
    kills: whole('kills', values.kills, 200),
    connections: whole('connections', values.connections, CONNECTIONS[scenario]),
    tokenSeconds: whole('tokens', values.tokens, 20),
    graceSeconds: whole('grace', values.grace, scenario === 'kills' ? 30 : 2),
    seed: whole('seed', values.seed, Math.floor(Math.random() * LARGEST_SEED)),
    keep: values.keep,
    fromSources: values.sources,
  };
  if (settings.connections < 1) throw new RangeError('--connections must be 1 or more.');
  if (settings.tokenSeconds < 2) throw new RangeError('--tokens must be 2 or more.');
  return settings;
}
