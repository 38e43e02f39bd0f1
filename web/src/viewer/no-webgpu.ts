/** Stands in for vtk.js's WebGPU renderers, which nothing here asks for. */
export {};
