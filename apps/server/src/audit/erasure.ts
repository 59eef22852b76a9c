/** An entry that tells of an erasure. It is spared by later ones: who erased a tenant stays told. */
export const ERASURE = 'tenant.erased';

/** Whether an erasure takes the contents of an entry: of all that happened until then. */
export const isErasedBy = (
  erasedAt: Date | null,
  { time, action }: { readonly time: Date; readonly action: string },
): boolean => erasedAt !== null && time <= erasedAt && action !== ERASURE;
