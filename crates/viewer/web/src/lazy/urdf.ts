/** What reads robot models and their meshes, as a chunk of its own. */
export { LoadingManager, Mesh, MeshPhongMaterial } from "three";
export { ColladaLoader } from "three/examples/jsm/loaders/ColladaLoader.js";
export { OBJLoader } from "three/examples/jsm/loaders/OBJLoader.js";
export { STLLoader } from "three/examples/jsm/loaders/STLLoader.js";
export { default as URDFLoader, type URDFRobot } from "urdf-loader";
