import { dicomDate, personName } from "../lib/words.ts";
import type { Identity } from "./frames.ts";

/** Why two sets of pictures may be of different people, or `null`. */
export function differentPatients(a: Identity, b: Identity): string | null {
  const differ =
    (a.birthDate && b.birthDate && a.birthDate !== b.birthDate) ||
    plainName(a.name) !== plainName(b.name);
  // Numbers differ between hospitals, so a number alone says nothing.
  if (!differ) return null;
  return `The two panes show different patients: ${inWords(a)}, and ${inWords(b)}. Do not compare them before this is cleared up.`;
}

/** Why pictures may not be of the person whom the case is about, or `null`. */
export function notOfCase(
  images: Identity,
  person: { name: string; birthDate: string },
): string | null {
  if (!person.birthDate || !images.birthDate || person.birthDate === images.birthDate) return null;
  return `These images are of ${inWords(images)}. This case is about ${personName(person.name)}, born ${dicomDate(person.birthDate)}.`;
}

/** All that is to be said about whom the panes show, or an empty text. */
export function identityWarnings(
  shown: readonly Identity[],
  person: { name: string; birthDate: string },
): string {
  const [a, b] = shown;
  const said = [
    a && b ? differentPatients(a, b) : null,
    ...shown.map((identity) => notOfCase(identity, person)),
  ];
  return [...new Set(said.filter((each) => each !== null))].join(" ");
}

/** A name as bare words: order, case, accents and titles of writing do not count. */
function plainName(name: string): string {
  const bare = (name.split("=")[0] ?? "").normalize("NFD").replace(/\p{M}/gu, "").toUpperCase();
  const [family = "", given = ""] = bare
    .split("^")
    .map((part) => part.replace(/[^\p{L}]+/gu, " ").trim());
  return `${family} ${given.split(" ")[0] ?? ""}`.trim();
}

function inWords(of: Identity): string {
  const name = personName(of.name) || "a patient without a name";
  return of.birthDate ? `${name}, born ${dicomDate(of.birthDate)}` : name;
}
