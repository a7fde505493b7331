/** The only import of the library. */
export { createStore, get, set } from 'idb-keyval'
