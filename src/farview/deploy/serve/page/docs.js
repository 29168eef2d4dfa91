// The OpenAPI description of this server, for reading.

const api = await (await fetch("/openapi.json")).json();
document.getElementById("about").textContent = api.info.description;

function add(parent, tag, text, kind = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = kind;
  parent.append(made);
  return made;
}

const named = (schema = {}) => schema.$ref?.split("/").at(-1) ?? schema.type ?? schema.anyOf?.map(named).join(" or ") ?? "";

for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, facts] of Object.entries(methods)) {
    const card = add(document.getElementById("paths"), "section", "", "card");
    add(card, "h2", `${method.toUpperCase()} ${path}`);
    if (facts.description) add(card, "p", facts.description);
    const list = add(card, "ol", "", "soft");
    for (const { name, in: place, required, schema } of facts.parameters ?? []) {
      add(list, "li", `${name}: ${named(schema)}, in the ${place}${required ? "" : ", optional"}`);
    }
    for (const kind of Object.keys(facts.requestBody?.content ?? {})) add(list, "li", `body: ${kind}`);
    for (const [kind, { schema }] of Object.entries(facts.responses?.["200"]?.content ?? {})) {
      add(list, "li", `answer: ${kind} ${named(schema)}`);
    }
  }
}

for (const [name, { properties = {} }] of Object.entries(api.components?.schemas ?? {})) {
  if (/Validation/.test(name)) continue;
  const card = add(document.getElementById("paths"), "section", "", "card");
  add(card, "h2", name);
  const list = add(card, "ol", "", "soft");
  for (const [key, schema] of Object.entries(properties)) add(list, "li", `${key}: ${named(schema)} ${schema.description ?? ""}`);
}
