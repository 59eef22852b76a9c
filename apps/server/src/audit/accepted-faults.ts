import type { AuditFault } from '@authpipe/types';
import { faultOfChain } from './missing-chains.js';
import type { AcceptedChain } from './product-chain.js';

/** What was wrong with a chain's ends when a person accepted it: the chain itself no longer tells. */
export const faultsOfAccepted = (accepted: readonly AcceptedChain[]): AuditFault[] =>
  accepted.flatMap(({ position, before, isSealed, ...place }): AuditFault[] => {
    if (before === null)
      return [
        faultOfChain(place, 'chain_missing', 'there was no word on how far it went when it was accepted'),
      ];
    if (!isSealed) {
      const detail =
        'how far it went was not what this server wrote when it was accepted: its end may be cut off';
      return [faultOfChain(place, 'head_changed', detail)];
    }
    if (before <= position) return [];
    const range =
      before === position + 1 ? `entry ${before} was` : `entries ${position + 1} to ${before} were`;
    return [faultOfChain(place, 'cut_off', `${range} cut off before it was accepted`, position + 1)];
  });
