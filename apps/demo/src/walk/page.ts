import { type HTMLElement, parse } from 'node-html-parser';

/** Which form to submit, and how. */
export interface FormChoice {
  /** CSS selector of the form. Default: the form of the button, or the only form of the page. */
  form?: string;
  /** What to type or choose, by field name. Fields left out keep what the page put into them. */
  fields?: Readonly<Record<string, string>>;
  /** The button to press: the words on it, its accessible name or its `name=value`. Default: the form's first. */
  button?: string;
}

interface Answer {
  url: URL;
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
}

type Submit = (from: URL, method: 'GET' | 'POST', url: URL, fields: URLSearchParams) => Promise<Page>;

/** A page the browser has arrived at. */
export class Page {
  readonly url: URL;
  /** 0 where the browser stopped in front of the address. */
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Answer['headers'];
  /** The source as it came. */
  readonly html: string;
  readonly #submit: Submit;
  #root: HTMLElement | undefined;

  constructor(answer: Answer, submit: Submit) {
    this.url = answer.url;
    this.status = answer.status;
    this.headers = answer.headers;
    this.html = answer.body;
    this.#submit = submit;
  }

  /** The parsed page. */
  get root(): HTMLElement {
    this.#root ??= parse(this.html);
    return this.#root;
  }

  get title(): string {
    return textOf(this.root.querySelector('title'));
  }

  /** What can be read on it, spaces folded. */
  get text(): string {
    return textOf(this.root.querySelector('body') ?? this.root);
  }

  /** The words on its buttons. */
  get buttons(): string[] {
    return this.root.querySelectorAll('button, input[type=submit]').map(labelOf);
  }

  /**
   * Presses a button, with what was typed. Throws an error that says what the page does have, where the form, the
   * button or a field isn't there: a walk must notice a page that changed.
   */
  submit({ form: selector, fields = {}, button: wanted }: FormChoice = {}): Promise<Page> {
    const button = wanted === undefined ? undefined : this.#button(wanted, selector);
    const form = this.#form(selector, button);
    const values = fieldsOf(form);
    for (const [name, value] of Object.entries(fields)) {
      if (!form.querySelector(`[name="${name}"]`)) throw this.#missing(`a field named ${name}`);
      values.set(name, value);
    }
    const pressed = button ?? form.querySelector('button, input[type=submit]');
    const name = pressed?.getAttribute('name');
    if (name) values.append(name, pressed?.getAttribute('value') ?? '');
    const action = pressed?.getAttribute('formaction') ?? form.getAttribute('action') ?? '';
    const method = (form.getAttribute('method') ?? 'get').toUpperCase() === 'POST' ? 'POST' : 'GET';
    return this.#submit(this.url, method, new URL(action === '' ? this.url : action, this.url), values);
  }

  #button(wanted: string, selector: string | undefined): HTMLElement {
    const scope = selector === undefined ? this.root : this.#form(selector, undefined);
    const buttons = scope.querySelectorAll('button, input[type=submit]');
    const found =
      buttons.find((button) => labelOf(button) === wanted || nameAndValue(button) === wanted) ??
      buttons.find((button) => labelOf(button).includes(wanted));
    if (!found) throw this.#missing(`a button “${wanted}”`);
    return found;
  }

  #form(selector: string | undefined, button: HTMLElement | undefined): HTMLElement {
    if (selector !== undefined) {
      const form = this.root.querySelector(selector);
      if (!form) throw this.#missing(`a form ${selector}`);
      return form;
    }
    const owner = button?.getAttribute('form');
    const form = owner ? this.root.querySelector(`form[id="${owner}"]`) : button?.closest('form');
    if (form) return form;
    const forms = this.root.querySelectorAll('form');
    const [only] = forms;
    if (!only || forms.length > 1)
      throw this.#missing(`exactly one form, or the button to press (forms: ${forms.length})`);
    return only;
  }

  #missing(what: string): Error {
    const buttons = this.buttons.map((label) => `“${label}”`).join(', ') || 'none';
    return new Error(
      `${this.url.href} (status ${this.status}, “${this.title}”) does not have ${what}. Its buttons: ${buttons}. It says: ${this.text.slice(0, 400)}`,
    );
  }
}

/** What a form sends before anybody has touched it. */
function fieldsOf(form: HTMLElement): URLSearchParams {
  const values = new URLSearchParams();
  for (const field of form.querySelectorAll('input, select, textarea')) {
    const name = field.getAttribute('name');
    const type = field.getAttribute('type') ?? '';
    if (!name || field.hasAttribute('disabled') || type === 'submit' || type === 'button') continue;
    if ((type === 'checkbox' || type === 'radio') && !field.hasAttribute('checked')) continue;
    values.append(name, initialValue(field));
  }
  return values;
}

function initialValue(field: HTMLElement): string {
  if (field.tagName === 'TEXTAREA') return field.textContent;
  if (field.tagName === 'SELECT') {
    const option = field.querySelector('option[selected]') ?? field.querySelector('option');
    return option?.getAttribute('value') ?? option?.textContent.trim() ?? '';
  }
  const fallback = field.getAttribute('type') === 'checkbox' ? 'on' : '';
  return field.getAttribute('value') ?? fallback;
}

function labelOf(button: HTMLElement): string {
  return button.getAttribute('aria-label') ?? (textOf(button) || (button.getAttribute('value') ?? ''));
}

function nameAndValue(button: HTMLElement): string {
  return `${button.getAttribute('name') ?? ''}=${button.getAttribute('value') ?? ''}`;
}

/** What a person reads, or has read to them. */
function textOf(element: HTMLElement | null): string {
  if (!element) return '';
  const copy = parse(element.outerHTML);
  for (const unread of copy.querySelectorAll('[aria-hidden=true], script, style')) unread.remove();
  return copy.structuredText.replace(/\s+/g, ' ').trim();
}
