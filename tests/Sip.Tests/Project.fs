// Project: where the files of the whole project are, for the tests that read them.

module Sip.Tests.Project

open System
open System.IO
open Expecto

/// The folder of the whole project.
let root: string =
    let rec above (folder: DirectoryInfo) =
        if File.Exists(Path.Combine(folder.FullName, "Solution.sln")) then
            folder.FullName
        else
            match folder.Parent with
            | null -> failtest "the project's folder is not found"
            | parent -> above parent

    above (DirectoryInfo AppContext.BaseDirectory)
