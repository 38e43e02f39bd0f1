import { expect, test } from "vitest";
import { startBehaviours } from "../src/lib/behaviour.ts";
import { page } from "./page.ts";

test("a behaviour starts once per element and stops when it leaves the page", async () => {
  const log: string[] = [];
  const root = page('<main><p data-behaviour="note" id="a"></p></main>');
  const stop = startBehaviours(document.body, {
    note: (element) => {
      log.push(`start ${element.id}`);
      return () => log.push(`stop ${element.id}`);
    },
  });
  const swapped = document.createElement("div");
  swapped.innerHTML = '<p data-behaviour="note" id="b"></p>';
  root.append(swapped);
  await new Promise((resolve) => setTimeout(resolve, 0));
  swapped.remove();
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(log).toEqual(["start a", "start b", "stop b"]);
  stop();
  expect(log.at(-1)).toBe("stop a");
});

test("several names start several behaviours", () => {
  const log: string[] = [];
  page('<form data-behaviour="one two"></form>');
  const make = (name: string) => () => {
    log.push(name);
    return () => {};
  };
  startBehaviours(document.body, { one: make("one"), two: make("two") })();
  expect(log).toEqual(["one", "two"]);
});

test("an unknown name throws, even one that every object has", () => {
  page('<p data-behaviour="constructor"></p>');
  expect(() => startBehaviours(document.body, {})).toThrow('no behaviour is called "constructor"');
});
