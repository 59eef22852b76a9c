import axe from 'axe-core';

/** Rules that need a layout or a canvas, which jsdom has not: a real browser checks them. */
const NEEDS_LAYOUT = ['color-contrast', 'label-content-name-mismatch', 'target-size'];

/** What axe finds wrong with the page as it stands. */
export const findings = async (): Promise<string[]> => {
  const { violations } = await axe.run(document.body, {
    rules: Object.fromEntries(NEEDS_LAYOUT.map((rule) => [rule, { enabled: false }])),
  });
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
};
