// Texts by language: one dictionary a language, the same keys in each.
import { EN } from "./words_en.js";
import { RU } from "./words_ru.js";
import { read, write } from "./memory.js";

const DICTIONARIES = { en: EN, ru: RU };
const STORED = "language";

let language = "en";
let plural = new Intl.PluralRules("en");

export const LANGUAGES = Object.keys(DICTIONARIES);

export function currentLanguage() {
  return language;
}

export function setLanguage(wanted) {
  language = wanted in DICTIONARIES ? wanted : "en";
  plural = new Intl.PluralRules(language);
  document.documentElement.lang = language;
}

// What its reader chose last, else what the daemon speaks.
export function startLanguage() {
  setLanguage(read(STORED) ?? document.documentElement.lang);
}

export function nextLanguage() {
  setLanguage(LANGUAGES[(LANGUAGES.indexOf(language) + 1) % LANGUAGES.length]);
  write(STORED, language);
}

// The text of a key, its {names} filled in; of several forms the one that `count` asks for.
export function t(key, values = {}) {
  const found = DICTIONARIES[language][key];
  if (found === undefined) return key;
  const text = typeof found === "string" ? found : found[plural.select(values.count)] ?? found.other;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// Of what the daemon says in each language, what this reader understands.
export function told(texts) {
  return texts?.[language] ?? texts?.en ?? "";
}

// The text of a word the daemon uses, or the word itself where it is a new one.
export function word(kind, value) {
  return DICTIONARIES[language][`${kind}.${value}`] ?? String(value ?? "");
}
