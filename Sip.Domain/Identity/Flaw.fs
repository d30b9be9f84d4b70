// Flaw: why the text of an Authorization or a challenge is not one (RFC 3261 §22.4, §25.1).
// Whoever sent it is told in words with 400; nothing of it is looked up or hashed.

namespace Sip.Identity

open System

/// What is wrong with the text of a credential or a challenge.
[<RequireQualifiedAccess>]
type Flaw =
    /// It does not follow the grammar; the words are the parser's.
    | Unreadable of Words: string
    /// A parameter that has to be there is not.
    | Missing of Parameter: string
    /// A parameter stands there more than once.
    | Twice of Parameter: string
    /// A parameter has a value that it cannot have.
    | Garbled of Parameter: string
    /// Two credentials answer one realm by one algorithm.
    | Ambiguous of Realm: string

/// Saying what is wrong.
[<RequireQualifiedAccess>]
module Flaw =

    /// The flaw in words, on one line, quoting nothing that was sent but a parameter's name.
    let words (flaw: Flaw) : string =
        match flaw with
        | Flaw.Unreadable _ -> "The authorization cannot be read"
        | Flaw.Missing parameter -> String.Concat("The authorization has no ", parameter)
        | Flaw.Twice parameter -> String.Concat("The authorization has two of ", parameter)
        | Flaw.Garbled parameter ->
            String.Concat("The authorization's ", parameter, " cannot be read")
        | Flaw.Ambiguous _ -> "There are two authorizations for one realm"
