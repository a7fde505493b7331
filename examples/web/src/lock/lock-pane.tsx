export default function LockPane() {
  return null
}
