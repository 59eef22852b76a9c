export { type Browser, type BrowserOptions, createBrowser } from './browser.js';
export { type FormChoice, Page } from './page.js';
