/** Stands in for xmlbuilder2, which vtk.js imports for XML file formats that we never touch. */
export function create(): never {
  throw new Error("XML files are not read here");
}
export const builder = create;
export const fragment = create;
export const convert = create;
