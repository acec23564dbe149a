export { decodePlainData } from './decode.ts'
export { encodePlainData, PlainDataError } from './encode.ts'
