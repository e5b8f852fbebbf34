// Shows the API's OpenAPI document. Text goes into the page as text, never as HTML.
'use strict';

const base = location.pathname.replace(/\/docs\/?$/, '/');

/** element makes an element with attributes and children, which are elements or text. */
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== undefined && child !== ''));
  return made;
}

/** typeOf says in words what a schema asks for. */
function typeOf(schema) {
  if (!schema) return 'anything';
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.enum) return schema.enum.join(' | ');
  if (schema.type === 'array') return 'list of ' + typeOf(schema.items);
  if (schema.type === 'object' && schema.additionalProperties && schema.additionalProperties !== true)
    return 'object of ' + typeOf(schema.additionalProperties);
  return [].concat(schema.type || 'anything').join(' or ');
}

/** example returns a value of the form of a schema, to show what it looks like. */
function example(schema, schemas, above = []) {
  if (!schema) return null;
  if (schema.$ref) {
    const name = schema.$ref.split('/').pop();
    return above.includes(name) ? {} : example(schemas[name], schemas, [...above, name]);
  }
  if (schema.anyOf) return example(schema.anyOf[0], schemas, above);
  if (schema.enum) return schema.enum[0];
  switch ([].concat(schema.type)[0]) {
    case 'object': {
      const out = {};
      for (const [key, value] of Object.entries(schema.properties || {})) out[key] = example(value, schemas, above);
      if (typeof schema.additionalProperties === 'object') out['…'] = example(schema.additionalProperties, schemas, above);
      return out;
    }
    case 'array':
      return [example(schema.items, schemas, above)];
    case 'integer':
    case 'number':
      return 0;
    case 'boolean':
      return false;
    case 'string':
      return 'text';
  }
  return null;
}

function content(title, body, schemas) {
  const parts = [element('h3', {}, title)];
  for (const [media, { schema }] of Object.entries(body || {})) {
    parts.push(element('p', {}, element('code', {}, media), ': ' + typeOf(schema)));
    if (media === 'application/json') parts.push(element('pre', {}, JSON.stringify(example(schema, schemas), null, 2)));
  }
  return parts;
}

/** tryIt lets a person send a GET with the parameters filled in. */
function tryIt(path, parameters) {
  const answer = element('pre', { hidden: '' });
  const fields = parameters.map((p) => [p, element('input', { 'aria-label': p.name, placeholder: p.name })]);
  const form = element('form', {}, ...fields.map(([, input]) => input), element('button', {}, 'Send'));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    let target = path;
    const query = new URLSearchParams();
    for (const [p, input] of fields) {
      if (p.in === 'path') target = target.replace(`{${p.name}}`, encodeURIComponent(input.value));
      else if (input.value) query.set(p.name, input.value);
    }
    answer.hidden = false;
    answer.textContent = '…';
    try {
      const response = await fetch(base + target.slice(1) + (query.size ? '?' + query : ''), { credentials: 'same-origin' });
      const text = await response.text();
      let shown = text;
      try {
        shown = JSON.stringify(JSON.parse(text), null, 2);
      } catch {
        // What is no JSON is shown as it is.
      }
      answer.textContent = `${response.status} ${response.statusText}\n\n${shown.slice(0, 200000)}`;
    } catch (error) {
      answer.textContent = String(error);
    }
  });
  return [element('h3', {}, 'Try it'), form, answer];
}

function operation(path, method, op, schemas) {
  const box = element(
    'details',
    { id: op.operationId },
    element('summary', {}, element('span', { class: 'method' }, method.toUpperCase()), element('code', {}, path), element('span', { class: 'told' }, op.summary)),
  );
  // A document of hundreds of operations is drawn as it is opened.
  box.addEventListener('toggle', () => {
    if (!box.open || box.childElementCount > 1) return;
    box.append(element('p', {}, op.description));
    const parameters = op.parameters || [];
    if (parameters.length) {
      box.append(
        element(
          'table',
          {},
          element('tr', {}, ...['Parameter', 'In', 'Type', 'Default', 'Meaning'].map((h) => element('th', {}, h))),
          ...parameters.map((p) =>
            element(
              'tr',
              {},
              element('td', {}, element('code', {}, p.name)),
              element('td', {}, p.in),
              element('td', {}, typeOf(p.schema)),
              element('td', {}, p.schema.default === undefined ? '' : String(p.schema.default)),
              element('td', {}, p.description || ''),
            ),
          ),
        ),
      );
    }
    if (op.requestBody) box.append(...content('Body', op.requestBody.content, schemas));
    for (const [status, answer] of Object.entries(op.responses))
      box.append(...content(`${status === 'default' ? 'Otherwise' : status}: ${answer.description}`, answer.content, schemas));
    const streams = Object.values(op.responses).some((r) => r.content && r.content['text/event-stream']);
    if (method === 'get' && !streams) box.append(...tryIt(path, parameters));
  });
  box.dataset.words = `${method} ${path} ${op.summary}`.toLowerCase();
  return box;
}

async function show() {
  const main = document.getElementById('operations');
  const response = await fetch(base + 'openapi.json');
  if (!response.ok) {
    main.textContent = `The document cannot be loaded: ${response.status} ${response.statusText}`;
    return;
  }
  const doc = await response.json();
  document.getElementById('about').textContent = doc.info.description;
  const groups = new Map();
  for (const [path, methods] of Object.entries(doc.paths))
    for (const [method, op] of Object.entries(methods)) {
      const tag = op.tags[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(path, method, op, doc.components.schemas));
    }
  main.replaceChildren(
    ...[...groups].sort(([a], [b]) => a.localeCompare(b)).map(([tag, list]) => element('section', {}, element('h2', {}, tag), ...list)),
  );
  const find = document.getElementById('find');
  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const section of main.children) {
      let any = false;
      for (const box of section.querySelectorAll('details')) {
        box.hidden = !words.every((word) => box.dataset.words.includes(word));
        any ||= !box.hidden;
        shown += box.hidden ? 0 : 1;
      }
      section.hidden = !any;
    }
    document.getElementById('count').textContent = `${shown} operations`;
  };
  find.addEventListener('input', filter);
  filter();
  const named = document.getElementById(location.hash.slice(1));
  if (named instanceof HTMLDetailsElement) {
    named.open = true;
    named.scrollIntoView();
  }
}

show().catch((error) => {
  document.getElementById('operations').textContent = String(error);
});
