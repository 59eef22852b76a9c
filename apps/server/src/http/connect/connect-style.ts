/** The hosted pages' style sheet. Light and dark by the person's setting; from 320 px up. */
export const CONNECT_STYLE = `
:root {
  color-scheme: light dark;
  --page: #f3f5f8;
  --card: #ffffff;
  --ink: #131a26;
  --soft: #515c6e;
  --line: #dde2ea;
  --field: #8591a3;
  --accent: #2450d8;
  --accent-ink: #ffffff;
  --accent-hover: #1b3fb0;
  --tint: #eef2fd;
  --good: #12703c;
  --good-tint: #e5f5ec;
  --bad: #a8231c;
  --bad-tint: #fdeceb;
  --shadow: 0 1px 2px rgb(16 24 40 / 6%), 0 12px 32px rgb(16 24 40 / 10%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d1117;
    --card: #161c26;
    --ink: #eef1f6;
    --soft: #a7b1c2;
    --line: #2a3342;
    --field: #6d7a8f;
    --accent: #8aa8ff;
    --accent-ink: #0b1434;
    --accent-hover: #a9bfff;
    --tint: #1c2740;
    --good: #6fd39b;
    --good-tint: #12291d;
    --bad: #ff9d94;
    --bad-tint: #351917;
    --shadow: 0 0 0 1px rgb(255 255 255 / 4%), 0 12px 32px rgb(0 0 0 / 40%);
  }
}
* { box-sizing: border-box; }
body {
  margin: 0;
  min-height: 100vh;
  min-height: 100dvh;
  display: flex;
  flex-direction: column;
  align-items: center;
  justify-content: center;
  gap: 1.25rem;
  padding: 1.5rem 1rem;
  background: var(--page);
  color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main {
  width: 100%;
  max-width: 27rem;
  padding: 2rem;
  background: var(--card);
  border-radius: 1rem;
  box-shadow: var(--shadow);
  overflow-wrap: anywhere;
}
.marks { display: flex; align-items: center; gap: .625rem; margin-bottom: 1.25rem; }
.mark {
  display: grid;
  place-items: center;
  width: 2.75rem;
  height: 2.75rem;
  border: 1px solid var(--line);
  border-radius: .75rem;
  font-size: 1.25rem;
  font-weight: 650;
  text-transform: uppercase;
}
.mark.provider { background: var(--tint); border-color: transparent; color: var(--accent); }
.mark.good { background: var(--good-tint); border-color: transparent; color: var(--good); }
.mark.bad { background: var(--bad-tint); border-color: transparent; color: var(--bad); }
.mark svg, .link svg { width: 1.25rem; height: 1.25rem; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.link { display: grid; color: var(--soft); }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.25; letter-spacing: -.01em; }
h2 { margin: 1.5rem 0 .5rem; font-size: .9375rem; }
p { margin: 0 0 .75rem; }
.soft { color: var(--soft); }
.small { font-size: .875rem; }
dl { margin: 1.25rem 0 0; padding: .25rem 1rem; border: 1px solid var(--line); border-radius: .75rem; }
dl div { display: flex; flex-wrap: wrap; gap: .125rem 1rem; justify-content: space-between; padding: .5rem 0; }
dl div + div { border-top: 1px solid var(--line); }
dt { color: var(--soft); }
dd { margin: 0; font-weight: 600; }
ul { margin: 0; padding: 0; list-style: none; }
.scopes li { position: relative; padding: .25rem 0 .25rem 1.75rem; }
.scopes li::before {
  content: "";
  position: absolute;
  left: .3rem;
  top: .6rem;
  width: .375rem;
  height: .7rem;
  border: solid var(--accent);
  border-width: 0 2px 2px 0;
  transform: rotate(45deg);
}
.withheld li::before { left: .25rem; top: .9rem; width: .625rem; height: 0; border-color: var(--soft); border-width: 0 0 2px; transform: none; }
.scopes code { color: var(--soft); font-size: .8125rem; }
.options li + li { margin-top: .625rem; }
.option {
  display: flex;
  align-items: center;
  gap: .75rem;
  padding: .75rem;
  border: 1px solid var(--line);
  border-radius: .75rem;
  color: inherit;
  text-decoration: none;
}
.option:hover { border-color: var(--accent); background: var(--tint); }
.option strong { display: block; }
.alert { margin: 0 0 1.25rem; padding: .75rem 1rem; border-radius: .75rem; background: var(--bad-tint); color: var(--bad); }
.field { margin-top: 1.25rem; }
label { display: block; margin-bottom: .25rem; font-weight: 600; }
input[type="text"], input[type="password"], select {
  width: 100%;
  min-height: 2.75rem;
  padding: .5rem .75rem;
  border: 1px solid var(--field);
  border-radius: .625rem;
  background: var(--card);
  color: var(--ink);
  font: inherit;
}
input[aria-invalid="true"], select[aria-invalid="true"] { border-color: var(--bad); }
.error { margin: .375rem 0 0; color: var(--bad); font-size: .875rem; }
.hint { margin: .375rem 0 0; color: var(--soft); font-size: .875rem; }
.actions { display: flex; flex-direction: column; gap: .625rem; margin-top: 1.5rem; }
.button {
  display: block;
  width: 100%;
  min-height: 2.875rem;
  padding: .625rem 1rem;
  border: 1px solid var(--field);
  border-radius: .625rem;
  background: transparent;
  color: var(--ink);
  font: inherit;
  font-weight: 600;
  text-align: center;
  text-decoration: none;
  cursor: pointer;
}
.button:hover { background: var(--tint); }
.button.primary { border-color: transparent; background: var(--accent); color: var(--accent-ink); }
.button.primary:hover { background: var(--accent-hover); }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
[hidden] { display: none !important; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.typed > p:first-of-type { margin: 1.25rem 0 0; }
footer { max-width: 27rem; color: var(--soft); font-size: .8125rem; text-align: center; }
main.wide { max-width: 36rem; }
.step { margin: 0 0 .25rem; color: var(--soft); font-size: .875rem; font-weight: 600; }
.steps { margin: 1.5rem 0; padding: 0; list-style: none; counter-reset: step; }
.steps > li { position: relative; margin-top: 1.25rem; padding-left: 2.5rem; counter-increment: step; }
.steps > li::before {
  content: counter(step);
  position: absolute;
  left: 0;
  top: -.125rem;
  display: grid;
  place-items: center;
  width: 1.75rem;
  height: 1.75rem;
  border-radius: 50%;
  background: var(--tint);
  color: var(--accent);
  font-size: .875rem;
  font-weight: 650;
}
.steps .field { margin-top: .5rem; }
.granted { margin-top: .5rem; }
.granted li { padding: .125rem 0; }
.copy label { font-size: .875rem; }
.copied { display: flex; gap: .5rem; }
.copied input { flex: 1; min-width: 0; font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .8125rem; text-overflow: ellipsis; }
.copied .button { width: auto; min-width: 6rem; }
.aside { margin-top: 2rem; padding-top: .25rem; border-top: 1px solid var(--line); }
.after { margin: 1rem 0 0; }
.way a { display: inline-block; padding: .25rem 0; }
.note { padding: .75rem 1rem; border-radius: .75rem; background: var(--tint); }
.findings { color: var(--ink); }
.findings > p { margin: 0 0 .5rem; color: var(--bad); }
.finding { display: flex; gap: .625rem; padding: .25rem 0; }
.finding .sign { width: 1rem; flex: none; font-weight: 700; text-align: center; }
.finding span.small { display: block; }
.finding strong { font-weight: 500; }
.finding.missing strong { font-weight: 650; }
.finding.missing .sign { color: var(--bad); }
.finding.ok .sign { color: var(--good); }
@media (max-width: 26rem) {
  main { padding: 1.5rem 1.25rem; }
}
@media (forced-colors: active) {
  main, .button { border: 1px solid; }
}
`;
