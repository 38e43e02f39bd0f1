/** Counts in words: `count(1, "image")` is "1 image", `count(2, "image")` "2 images". */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en-US")} ${number === 1 ? one : many}`;
}

/** Bytes as a person reads them. */
export function bytes(value: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1;
  return `${size.toFixed(digits)} ${units[unit] ?? ""}`;
}

/** Time of day where the reader is, `14:05`, as the pages write it. */
export function clockTime(date: Date): string {
  return date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

/** A DICOM date (YYYYMMDD) as the pages write it, `March 2, 2026`; anything else as it is. */
export function dicomDate(value: string): string {
  const match = /^(\d{4})-?(\d{2})-?(\d{2})$/.exec(value);
  if (!match) return value;
  const date = new Date(Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])));
  if (Number.isNaN(date.getTime())) return value;
  return date.toLocaleDateString("en-US", {
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "UTC",
  });
}

/** A DICOM person name (`Family^Given^Middle^Prefix^Suffix`) as people write it. */
export function personName(value: string): string {
  const alphabetic = value.split("=")[0] ?? "";
  const [family = "", given = "", middle = "", prefix = "", suffix = ""] = alphabetic
    .split("^")
    .map((part) => part.trim());
  const names = [prefix, given, middle, family].filter(Boolean).join(" ");
  return suffix ? `${names}, ${suffix}` : names;
}
