// What a reading may not be: the server's own rules, told before anything is sent.
export function problemOf(draft, answer, regions) {
  // `regions`: how many the map of `answer` has as it is shown. "" where nothing is wrong.
  const { presence, location, shapes } = draft;
  const count = shapes.length;
  if (count && presence === "absent")
    return `The finding is called absent, yet ${count} outline${count > 1 ? "s are" : " is"} drawn; remove what is drawn, or say present or unsure.`;
  if (!location) return "";
  if (!canJudgeMap(answer))
    return "The map was not shown, so it cannot be judged; look at it first, or leave it open.";
  if (location !== "correct") return "";
  if (regions && presence === "absent")
    return "The map is lit where the finding is called absent, so it cannot be correct; call it wrong, or leave it open.";
  if (!regions && presence === "present")
    return "The map is dark where the finding is called present, so it cannot be correct; call it wrong, or leave it open.";
  return "";
}

export function canJudgeMap(answer) {
  return !!(answer && answer.in_vocabulary && answer.mapShown);
}
