import type { Provenance } from './deployment.js';
import type { Identity } from './deployment-store.js';

/** Whose a grant is, by when it was issued. That it is foreign weighs more than that it is unproven. */
export const provenanceIn = (
  { foreignBefore, verifyBefore }: Pick<Identity, 'foreignBefore' | 'verifyBefore'>,
  issuedAt: Date,
): Provenance => {
  if (foreignBefore !== null && issuedAt < foreignBefore) return 'foreign';
  return verifyBefore !== null && issuedAt < verifyBefore ? 'unproven' : 'own';
};
