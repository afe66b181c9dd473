/** A kind of fault as whoever asks for it has to know it: what is routed and described, without what it does. */

/** A parameter of a kind, as its description has it. */
export interface DescribedParameter {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly help: string;
  readonly oneOf?: readonly string[];
  readonly min?: number;
  readonly max?: number;
}

export interface DescribedFault {
  readonly name: string;
  readonly summary: string;
  readonly isMomentary?: true;
  readonly parameters: readonly DescribedParameter[];
}
