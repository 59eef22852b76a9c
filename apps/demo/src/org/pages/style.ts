/** One style sheet for every page of the org: no fonts, images or scripts from anywhere. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f3f4f8, #0e1119);
  --card: light-dark(#ffffff, #171b26);
  --ink: light-dark(#171a24, #eceef5);
  --quiet: light-dark(#585f73, #a2a9bd);
  --line: light-dark(#dde0e9, #2b3142);
  --field: light-dark(#ffffff, #10141d);
  --accent: light-dark(#3b4cca, #8e9bff);
  --on-accent: light-dark(#ffffff, #10142e);
  --tint: light-dark(#eef0fd, #20263f);
  --danger: light-dark(#b3261e, #ff9d94);
  --danger-tint: light-dark(#fdeeec, #3a1c1c);
  --good: light-dark(#146c43, #74d6a4);
  --good-tint: light-dark(#e5f5ec, #14301f);
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
.banner {
  display: flex; flex-wrap: wrap; align-items: center; justify-content: center; gap: 2px 10px; padding: 9px 16px;
  background: light-dark(#262b40, #1d2233); color: #f1f3fb; font-size: 13px; text-align: center;
}
.banner strong { font-weight: 650; }
.banner a { color: inherit; }
main { width: min(440px, 100% - 32px); margin: 44px auto; }
main.wide { width: min(1080px, 100% - 32px); margin: 28px auto 56px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 28px; }
h1 { margin: 0 0 6px; font-size: 24px; line-height: 1.25; letter-spacing: -0.01em; text-wrap: balance; }
h2 { margin: 0 0 4px; font-size: 17px; line-height: 1.3; }
p { margin: 0 0 14px; }
.quiet { color: var(--quiet); font-size: 14px; }
.org { display: flex; align-items: center; gap: 10px; margin-bottom: 20px; color: var(--quiet); font-size: 14px; }
.mark { width: 30px; height: 30px; border: 7px solid var(--accent); border-radius: 50%; flex: none; }
form { margin: 0; }
label { display: block; margin: 0 0 5px; font-size: 14px; font-weight: 600; }
input, select {
  width: 100%; min-height: 42px; padding: 8px 11px; font: inherit; color: inherit; background: var(--field);
  border: 1px solid light-dark(#a9afc0, #4b536a); border-radius: 8px;
}
.field { margin-bottom: 14px; }
button, .button {
  min-height: 42px; padding: 8px 16px; font: inherit; font-weight: 600; color: var(--ink); background: var(--card);
  border: 1px solid light-dark(#a9afc0, #4b536a); border-radius: 8px; cursor: pointer;
}
button:hover { background: var(--tint); }
button.primary { color: var(--on-accent); background: var(--accent); border-color: var(--accent); }
button.primary:hover { filter: brightness(1.08); }
button.danger { color: var(--danger); border-color: currentColor; }
button.danger:hover { background: var(--danger-tint); }
button.link { min-height: 24px; padding: 0; border: 0; background: none; color: var(--accent); font-size: 14px; text-decoration: underline; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.wide-button { width: 100%; }
.note { padding: 11px 13px; border-radius: 8px; background: var(--tint); font-size: 14px; margin-bottom: 16px; }
.note.bad { background: var(--danger-tint); color: var(--danger); }
.note.good { background: var(--good-tint); color: var(--good); }
.people { display: grid; gap: 8px; margin: 0 0 22px; }
.person { display: grid; grid-template-columns: 38px 1fr auto; align-items: center; gap: 2px 12px; width: 100%; padding: 10px 12px; text-align: left; font-weight: 400; }
.person > span:nth-child(2), .person .role { grid-row: 1 / span 2; }
.person b { display: block; font-weight: 600; line-height: 1.35; }
.person small { display: block; color: var(--quiet); font-size: 13px; line-height: 1.35; overflow-wrap: anywhere; }
.initials {
  display: grid; place-items: center; grid-row: 1 / span 2; width: 38px; height: 38px; flex: none; border-radius: 50%;
  background: var(--tint); color: var(--accent); font-size: 14px; font-weight: 650;
}
.role, .state {
  padding: 2px 9px; border-radius: 99px; border: 1px solid var(--line); font-size: 12px; color: var(--quiet); white-space: nowrap;
}
.state.good { color: var(--good); background: var(--good-tint); border-color: transparent; }
.state.bad { color: var(--danger); background: var(--danger-tint); border-color: transparent; }
.or { display: flex; align-items: center; gap: 12px; margin: 0 0 16px; color: var(--quiet); font-size: 13px; }
.or::before, .or::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
.scopes { margin: 0 0 22px; padding: 0; list-style: none; border: 1px solid var(--line); border-radius: 10px; }
.scopes li { padding: 10px 14px; border-top: 1px solid var(--line); line-height: 1.35; }
.scopes li:first-child { border-top: 0; }
.scopes code, .mono { font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; color: var(--quiet); overflow-wrap: anywhere; }
.scopes code { display: block; }
.row { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; }
.row.fill > * { flex: 1; }
@media (max-width: 480px) {
  main { margin-top: 20px; }
  .card { padding: 22px 20px; }
  .person > span:nth-child(2) { grid-row: 1; }
  .person .role { grid-row: 2; grid-column: 2; justify-self: start; }
}
.who { display: flex; flex-wrap: wrap; gap: 2px 12px; justify-content: space-between; margin-bottom: 18px; font-size: 14px; }
`;

/** What only the control page needs. */
export const CONTROL_STYLE = `
.columns { columns: 300px; column-gap: 16px; }
.columns + .full { margin: 16px 0 0; }
.columns .card { break-inside: avoid; margin-bottom: 16px; }
.columns .card, .full { padding: 20px; }
.card { scroll-margin-top: 68px; }
.note { position: sticky; top: 10px; z-index: 1; box-shadow: 0 4px 16px rgb(0 0 0 / 12%); }
.full { margin-bottom: 16px; }
.stack { display: grid; gap: 12px; }
.item { padding-top: 12px; border-top: 1px solid var(--line); }
.item:first-child { border-top: 0; padding-top: 0; }
.item .row { margin-top: 8px; }
.item .row.middle { margin-top: 0; }
.wide .item p, .wide .item .quiet { margin: 0; }
.item ul { margin: 0; padding-left: 18px; }
.wide .field.broad { flex-basis: 190px; }
.wide button, .wide input, .wide select { min-height: 36px; font-size: 14px; padding: 5px 11px; }
.wide .field { margin: 0; flex: 1 1 130px; }
.wide .row { align-items: end; gap: 8px; }
.wide .row.middle { align-items: center; }
.wide .quiet { margin-bottom: 12px; }
.head { display: flex; flex-wrap: wrap; gap: 12px; justify-content: space-between; align-items: start; margin-bottom: 20px; }
.head p { margin: 0; max-width: 62ch; }
.counters { display: grid; grid-template-columns: repeat(auto-fill, minmax(120px, 1fr)); gap: 12px 18px; margin: 0; }
.counters dt { color: var(--quiet); font-size: 13px; }
.counters dd { margin: 0; font-size: 20px; font-weight: 650; font-variant-numeric: tabular-nums; }
`;
