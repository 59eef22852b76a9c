import '../styles/site.css';
import { enableCopyButtons } from './copy-buttons.js';
import { enableProviderFilter } from './provider-filter.js';

// Everything on the site reads and works without this file; it adds copying and filtering.
enableCopyButtons(document, (text) => navigator.clipboard.writeText(text));
enableProviderFilter(document);
